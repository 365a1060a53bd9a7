#!/usr/bin/env bash
# Formulas beside a walk over their trees, then `qmc-sample bench` beside the machine's limits and,
# in turn, beside what python3 has of SciPy (inverse normal, Halton, Cholesky) and QMCToolsCL
# (transforms): thread CPU time, QMC_BENCH_ROUNDS rounds (5). BENCH_SMOKE shrinks it to formulas.
set -eu
formula=${STATEUTILS_BIN%/*}/tests/qmc_formula
if [ -n "${BENCH_SMOKE:-}" ]; then
  "$formula" 1024
  exit 0
fi
"$formula" | jq -c '{tool: "qmc-sample", what: "EXPR \(.formula) vs a walk over its tree", ours: .ns,
  peer: .tree_ns, unit: "ns/point", ratio, target: ">= 10", met: (.ratio >= 10), command: "tests/qmc_formula"}'
python3 - "$STATEUTILS_BIN/qmc-sample" "${QMC_BENCH_ROUNDS:-5}" "$STATEUTILS_SOURCE/scripts/bench_figure.sh" <<'PY'
import importlib
import json
import subprocess
import sys
import time

tool, rounds, bench_figure = sys.argv[1], int(sys.argv[2]), sys.argv[3]
wide = "avx512f" in open("/proc/cpuinfo").read()
command = "qmc-sample bench --quick"


def module(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"python3 has no {name}")
        return None


numpy, special, qmc, linalg, toolscl = map(
    module, ("numpy", "scipy.special", "scipy.stats.qmc", "scipy.linalg", "qmctoolscl"))


def best_rate(items, run, tries):
    best = 0
    for _ in range(tries):
        start = time.thread_time()
        run()
        best = max(best, items / (time.thread_time() - start))
    return best


def peers():
    """Rates of one round: {(what, randomize, d): (peer, items per second)}."""
    rates = {}
    if special:
        u = numpy.random.default_rng(1).random(1 << 14)
        rates["normal", "none", 1] = ("scipy.special.ndtri", best_rate(len(u), lambda: special.ndtri(u), 50))
    if qmc:
        for d in (2, 16):
            for how, scramble in (("none", False), ("perm", True)):
                points = qmc.Halton(d, scramble=scramble, seed=1)
                rates["halton", how, d] = ("scipy.stats.qmc.Halton", best_rate(d << 15, lambda: points.random(1 << 15), 3))
    if toolscl:
        n, one = 1 << 20, numpy.uint64(1)
        y, z = numpy.ones(n), numpy.zeros(n)
        room, room2 = numpy.empty(n), numpy.empty(n)
        half = numpy.uint64(n // 2)
        rates["fwht", "none", 1] = ("QMCToolsCL", best_rate(n, lambda: toolscl.fwht_1d_radix2(one, one, half, y), 2))
        rates["fftbr", "none", 1] = ("QMCToolsCL", best_rate(
            n, lambda: toolscl.fft_bro_1d_radix2(one, one, half, room, room2, y, z), 2))
    if linalg:
        n = 4096
        lag = numpy.subtract.outer(numpy.arange(n), numpy.arange(n)) / n
        gram, b = numpy.exp(-abs(lag)), numpy.ones(n)
        rates["solve", "none", 4] = ("scipy.linalg.cho_solve", best_rate(
            n, lambda: linalg.cho_solve(linalg.cho_factor(gram), b), 1))
    return rates


# What is wanted: beside a peer, beside the machine's limit, or as a rate of its own.
BESIDE_PEER = {("normal", "none"): 5, ("halton", "none"): 10, ("halton", "perm"): 40, ("fwht", "none"): 18,
               ("solve", "none"): 3000}
RATE = {("nus", "nus"): 120 if wide else 60}


def beside_limit(row):
    if row["dest"] == "pipe":
        return "a bare writer into a pipe", "pipe_gbs", 0.9
    target = None
    if row["dest"] == "memory" and row["threads"] == 1:
        target = 0.9 if row["d"] in (2, 16, 256) else 0.85
    return "non-temporal stores", "store_gbs" if row["threads"] == 1 else "store_all_gbs", target


def figure(what, unit, pairs, target):
    arguments = ["-u", unit, "-c", command] + (["-T", str(target)] if target else [])
    lines = "".join(" ".join(map(str, pair)) + "\n" for pair in pairs)
    subprocess.run(["bash", bench_figure, *arguments, "qmc-sample", what], input=lines, text=True, check=True)


series = {}


def add(key, *pair):
    series.setdefault(key, []).append(pair)


for _ in range(rounds):
    report = json.loads(subprocess.run([tool, "bench", "--quick"], check=True, capture_output=True).stdout)
    rates = peers()
    for row in report["rows"]:
        kind = (row["what"], row["randomize"])
        name = " ".join([row["what"], *([] if row["randomize"] in ("none", row["what"]) else [row["randomize"]]),
                         f"d={row['d']}"] + ([f"{row['threads']} threads"] if row["threads"] > 1 else []))
        rate = row["mcoord_s"]
        if (*kind, row["d"]) in rates and row["dest"] == "buffer":
            peer, theirs = rates[(*kind, row["d"])]
            add((f"{name} vs {peer}", "Mcoord/s", BESIDE_PEER.get(kind)), rate, theirs * 1e-6)
        elif kind in RATE:
            add((name, "Mcoord/s", RATE[kind]), rate)
        elif row["gbs"] and row["dest"] != "buffer":
            peer, limit, target = beside_limit(row)
            add((f"{name} into {row['dest']} vs {peer}", "GB/s", target), row["gbs"], report["limits"][limit])
for (what, unit, target), pairs in series.items():
    figure(what, unit, pairs, target)
if numpy:
    print("numpy", numpy.__version__, "scipy", module("scipy") and module("scipy").__version__)
PY
