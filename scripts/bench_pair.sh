#!/usr/bin/env bash
# Measures a command and its peer in alternating rounds and prints one JSON object:
#   bench_pair.sh [-r ROUNDS] [-m cpu|wall] [-T TARGET] TOOL WHAT OURS PEER
#
# OURS and PEER are shell commands that do the same work; their stdout goes to /dev/null. Each round
# runs both, in turns of order; one round before them warms the caches. The figure is CPU time (or
# wall time) per run; ratio = peer / ours, larger is better for us: the median over the rounds with
# the 95 % interval of a bootstrap. TARGET is the least ratio wanted; `met` compares the median.
set -eu
rounds=10 measure=cpu target=null
while getopts r:m:T: option; do
  case $option in
    r) rounds=$OPTARG ;;
    m) measure=$OPTARG ;;
    T) target=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
if [ $# -ne 4 ]; then
  sed -n '2,4p' "$0" >&2
  exit 2
fi
tool=$1 what=$2 ours=$3 peer=$4
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT

# seconds COMMAND: what one run took; a failing command ends the measurement.
seconds() {
  local TIMEFORMAT='%R %U %S'
  { time bash -c "$1" >/dev/null 2>"$work/stderr"; } 2>"$work/time" || {
    echo "bench_pair.sh: failed: $1" >&2
    cat "$work/stderr" >&2
    return 1
  }
  awk -v measure="$measure" '{ print (measure == "wall" ? $1 : $2 + $3) }' "$work/time"
}

seconds "$ours" >/dev/null
seconds "$peer" >/dev/null
for ((round = 0; round < rounds; round++)); do
  if [ $((round % 2)) -eq 0 ]; then
    a=$(seconds "$ours")
    b=$(seconds "$peer")
  else
    b=$(seconds "$peer")
    a=$(seconds "$ours")
  fi
  echo "$a $b"
done >"$work/rounds"

statistics=$(awk '
  function median(values, n,    i, j, swap) {
    for (i = 2; i <= n; i++)
      for (j = i; j > 1 && values[j - 1] > values[j]; j--) {
        swap = values[j]
        values[j] = values[j - 1]
        values[j - 1] = swap
      }
    return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
  }
  { a[NR] = $1 > 0 ? $1 : 0.001; b[NR] = $2 > 0 ? $2 : 0.001; ratio[NR] = b[NR] / a[NR] }
  END {
    srand(1)
    for (draw = 1; draw <= 999; draw++) {
      for (i = 1; i <= NR; i++) sample[i] = ratio[1 + int(rand() * NR)]
      boot[draw] = median(sample, NR)
    }
    median(boot, 999)
    for (i = 1; i <= NR; i++) { copy[i] = ratio[i]; x[i] = a[i]; y[i] = b[i] }
    printf "%.4f %.4f %.3f %.3f %.3f\n", median(x, NR), median(y, NR), median(copy, NR), boot[25], boot[975]
  }' "$work/rounds")
read -r a b ratio low high <<<"$statistics"
jq -nc --arg tool "$tool" --arg what "$what" --argjson ours "$a" --argjson peer "$b" --arg unit "s $measure" \
  --argjson ratio "$ratio" --argjson low "$low" --argjson high "$high" --argjson target "$target" \
  --arg command "$ours" --arg peer_command "$peer" --argjson rounds "$rounds" \
  '{tool: $tool, what: $what, ours: $ours, peer: $peer, unit: $unit, ratio: $ratio, low: $low, high: $high,
    target: $target, met: (if $target == null then null else $ratio >= $target end),
    command: $command, peer_command: $peer_command, rounds: $rounds}'
