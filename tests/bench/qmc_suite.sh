#!/usr/bin/env bash
# The suite of cubature over QMC_BENCH_SEEDS seeds (1000, which takes hours; the README's table says
# its number): misses, wrong signs and the median size beside the reference's, case by case.
set -eu
suite=${STATEUTILS_BIN%/*}/tests/qmc_suite
seeds=${QMC_BENCH_SEEDS:-1000}
if [ -n "${BENCH_SMOKE:-}" ]; then
  "$suite" 2 corner3-3
  exit 0
fi
"$suite" "$seeds" | jq -c '{tool: "qmc-sample", what: "integrate \(.case) by \(.algo), \(.seeds) seeds: " +
    "\(.misses) misses, \(.wrong_signs) wrong signs; median n vs the reference'"'"'s", unit: "points",
  ours: .median_n, peer: .reference_n, ratio: (.median_n / .reference_n * 1000 | round / 1000),
  target: "<= 1, no miss", met: .holds, command: "tests/qmc_suite"}'
