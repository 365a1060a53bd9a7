#!/usr/bin/env bash
# The suite of cubature over many seeds (QMC_BENCH_SEEDS, 1000), formulas beside a walk over their
# trees, then the program's own bench, in turn with what is installed of SciPy (inverse normal,
# Halton) and QMCToolsCL (transforms). BENCH_SMOKE shrinks it to one case.
set -eu
suite=${STATEUTILS_BIN%/*}/tests/qmc_suite
formula=${STATEUTILS_BIN%/*}/tests/qmc_formula
tool=$STATEUTILS_BIN/qmc-sample
if [ -n "${BENCH_SMOKE:-}" ]; then
  [ -x "$suite" ] || exit 77
  "$suite" 2 corner3-3
  "$formula" 1024
  exit 0
fi
"$suite" "${QMC_BENCH_SEEDS:-1000}"
"$formula"
python3 -c 'import scipy' 2>/dev/null || {
  "$tool" bench --quick
  echo "python3 has no scipy: no peers"
  exit 0
}
# Rounds of ours and the peers in turn; a ratio is that of the best of each, in thread CPU time.
python3 - "$tool" "${QMC_BENCH_ROUNDS:-3}" <<'PY'
import json
import subprocess
import sys
import time

import numpy
import scipy.special
import scipy.stats.qmc

tool, rounds = sys.argv[1], int(sys.argv[2])
peers, versions = {}, {"scipy": scipy.__version__, "numpy": numpy.__version__}


def best_of(key, items, run, tries):
    for _ in range(tries):
        start = time.thread_time()
        run()
        rate = 1e-6 * items / (time.thread_time() - start)
        peers[key] = max(peers.get(key, 0), rate)


def scipy_round():
    u = numpy.random.default_rng(1).random(1 << 14)
    best_of(("normal", "none", 1, "scipy ndtri"), len(u), lambda: scipy.special.ndtri(u), 50)
    for d in (2, 16):
        for how, scramble in (("none", False), ("perm", True)):
            sequence = scipy.stats.qmc.Halton(d, scramble=scramble, seed=1)
            best_of(("halton", how, d, "scipy"), d << 15, lambda: sequence.random(1 << 15), 3)


def toolscl_round():
    try:
        import qmctoolscl
    except ImportError:
        return
    n, one = 1 << 20, numpy.uint64(1)
    y, z = numpy.ones(n), numpy.zeros(n)
    room, room2 = numpy.empty(n), numpy.empty(n)
    half = numpy.uint64(n // 2)
    best_of(("fwht", "none", 1, "qmctoolscl"), n,
            lambda: qmctoolscl.fwht_1d_radix2(one, one, half, y), 2)
    best_of(("fftbr", "none", 1, "qmctoolscl"), n,
            lambda: qmctoolscl.fft_bro_1d_radix2(one, one, half, room, room2, y, z), 2)


ours, limits = {}, {}
for _ in range(rounds):
    run = subprocess.run([tool, "bench", "--quick"], check=True, capture_output=True)
    report = json.loads(run.stdout)
    limits = report["limits"]
    for row in report["rows"]:
        key = (row["what"], row["randomize"], row["d"], row["dest"], row["threads"])
        if key not in ours or row["mcoord_s"] > ours[key]["mcoord_s"]:
            ours[key] = row
    scipy_round()
    toolscl_round()
print(json.dumps({"limits": limits, "versions": versions}))
for row in ours.values():
    print(json.dumps(row))
for (what, how, d, peer), rate in peers.items():
    mine = ours[what, how, d, "buffer", 1]["mcoord_s"]
    print(json.dumps({"what": what, "randomize": how, "d": d, "peer": peer, "mcoord_s": mine,
                      "peer_mcoord_s": rate, "ratio": mine / rate}))
PY
