#!/usr/bin/env bash
# The suite of cubature over many seeds (QMC_BENCH_SEEDS, 1000), then the program's own bench; with
# SciPy, the inverse normal beside scipy.special.ndtri in alternating rounds of CPU time.
# BENCH_SMOKE shrinks it to one case.
set -eu
suite=${STATEUTILS_BIN%/*}/tests/qmc_suite
tool=$STATEUTILS_BIN/qmc-sample
if [ -n "${BENCH_SMOKE:-}" ]; then
  [ -x "$suite" ] || exit 77
  "$suite" 2 keister2
  exit 0
fi
"$suite" "${QMC_BENCH_SEEDS:-1000}"
"$tool" bench --quick
python3 -c 'import scipy' 2>/dev/null || {
  echo "python3 has no scipy: no peers"
  exit 0
}
# Ours is the difference that the transform makes to independent points.
cpu() { { /usr/bin/time -f %U "$@" >/dev/null; } 2>&1; }
for _ in 1 2 3 4 5; do
  with=$(cpu "$tool" points iid -d 1 -n 2e7 --seed 1 --threads 1 --interval open --transform normal)
  without=$(cpu "$tool" points iid -d 1 -n 2e7 --seed 1 --threads 1 --interval open)
  python3 - "$with" "$without" <<'PY'
import sys, time, numpy, scipy, scipy.special
u = numpy.random.default_rng(1).random(1 << 16)
best = 1e9
for _ in range(50):
    start = time.thread_time()
    scipy.special.ndtri(u)
    best = min(best, time.thread_time() - start)
ours, peer = (float(sys.argv[1]) - float(sys.argv[2])) / 2e7, best / len(u)
print(f'{{"what":"normal","ns":{ours * 1e9:.2f},"ndtri_ns":{peer * 1e9:.2f},'
      f'"ratio":{peer / ours:.2f},"scipy":"{scipy.__version__}"}}')
PY
done
