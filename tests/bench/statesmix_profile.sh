#!/usr/bin/env bash
# Where a preset's time goes, on STATESMIX_TEXT (default: a small source file) at PRESET=6: seconds and
# nanoseconds a byte, instructions, cycles and cache misses a byte (perf, where it may count), the
# hottest functions, and beside them what a cache line costs on this machine.
set -eu
text=${STATESMIX_TEXT:-$TESTDATA/statesmix/source-6k.txt}
preset=${PRESET:-6}
mebibytes=256
[ -z "${BENCH_SMOKE:-}" ] || { preset=1 mebibytes=4; }
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-profile.XXXXXX")
trap 'rm -rf "$work"' EXIT
latency=${STATEUTILS_BIN%/*}/tests/statesmix_latency
size=$(stat -c %s "$text")

# record WHAT UNIT VALUE
record() {
  jq -nc --arg what "-$preset, $1" --arg unit "$2" --argjson ours "$3" '{tool: "statesmix", what: $what, unit: $unit, ours: $ours}'
}
# per_byte VALUE [SCALE]
per_byte() { awk -v v="$1" -v n="$size" -v s="${2:-1}" 'BEGIN { printf "%.4f\n", v * s / n }'; }

packing=(statesmix compress "-$preset" -T 1 -c "$text")
"${packing[@]}" --json="$work/run" >/dev/null
ns=$(per_byte "$(jq .cpu_seconds "$work/run")" 1e9)
record "CPU time of a byte" ns "$ns"

events=instructions,cycles,cache-references,cache-misses,L1-dcache-load-misses,dTLB-load-misses,branch-misses
if ! command -v perf >/dev/null; then
  echo "no perf here: instructions, misses and functions are not counted"
elif perf stat -x, -e $events -o "$work/stat" "${packing[@]}" >/dev/null 2>&1; then
  counted=0
  while IFS=, read -r value _ event _; do
    case $value in '' | *[!0-9]*) continue ;; esac
    record "${event%%:*} of a byte" "" "$(per_byte "$value")"
    counted=1
  done < <(grep -v '^#' "$work/stat")
  [ $counted = 1 ] || echo "perf has no hardware counters here"
  if perf record -q -o "$work/data" "${packing[@]}" >/dev/null 2>&1; then
    perf report -i "$work/data" --stdio --percent-limit 1 -g none 2>/dev/null |
      sed -nE 's/^ +([0-9.]+%) +statesmix +[^ ]+ +\[\.\] (.*)/\1 \2/p' | head -n 20
  fi
else
  echo "perf may not count here"
fi

if [ -x "$latency" ]; then
  "$latency" $mebibytes >"$work/latency"
  dependent=$(jq .dependent_ns "$work/latency")
  independent=$(jq .independent_ns "$work/latency")
  jq -nc --argjson mib $mebibytes --argjson ours "$dependent" \
    '{tool: "statesmix", what: "a line of \($mib) MiB at random, each load waiting for the last", unit: "ns", ours: $ours}'
  jq -nc --argjson mib $mebibytes --argjson ours "$independent" \
    '{tool: "statesmix", what: "the same, loads independent", unit: "ns", ours: $ours}'
  record "a byte's time in lines that wait for each other" lines "$(awk "BEGIN { printf \"%.2f\", $ns / $dependent }")"
  record "a byte's time in independent lines" lines "$(awk "BEGIN { printf \"%.2f\", $ns / $independent }")"
fi
