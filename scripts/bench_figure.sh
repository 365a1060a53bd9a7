#!/usr/bin/env bash
# Turns rounds of a measurement into one JSON object:
#   bench_figure.sh -u UNIT [-s] [-T TARGET | -M TARGET] [-c COMMAND] [-p PEER_COMMAND] TOOL WHAT <ROUNDS
#
# ROUNDS holds a line a round: our figure and, where there is one, the peer's of the same round. Both
# are rates, or with -s seconds (or another cost); ratio is ours beside the peer's, larger is better
# for us in both cases: the median over the rounds with the 95 % interval of a bootstrap. Without a
# peer the figure is its median alone, with its interval. `met` compares the ratio, or the figure that
# has no peer, with TARGET: -T the least, -M the most that is wanted.
set -eu
unit='' cost=0 target=null most=0 command='' peer_command=''
while getopts u:sT:M:c:p: option; do
  case $option in
    u) unit=$OPTARG ;;
    s) cost=1 ;;
    T) target=$OPTARG ;;
    M) target=$OPTARG most=1 ;;
    c) command=$OPTARG ;;
    p) peer_command=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
if [ $# -ne 2 ]; then
  sed -n '3p' "$0" >&2
  exit 2
fi

awk -v cost=$cost '
  function median(values, n,    i, j, swap) {
    for (i = 2; i <= n; i++)
      for (j = i; j > 1 && values[j - 1] > values[j]; j--) {
        swap = values[j]
        values[j] = values[j - 1]
        values[j - 1] = swap
      }
    return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
  }
  NF > 0 {
    n++
    peers += NF > 1
    a[n] = $1 > 0 ? $1 : 0.001
    b[n] = NF > 1 && $2 > 0 ? $2 : 0.001
    value[n] = NF == 1 ? $1 : cost ? b[n] / a[n] : a[n] / b[n]
  }
  END {
    if (n == 0 || (peers != 0 && peers != n)) exit 1
    srand(1)
    for (draw = 1; draw <= 999; draw++) {
      for (i = 1; i <= n; i++) sample[i] = value[1 + int(rand() * n)]
      boot[draw] = median(sample, n)
    }
    median(boot, 999)
    for (i = 1; i <= n; i++) { x[i] = a[i]; y[i] = b[i]; copy[i] = value[i] }
    printf "%.6g %s %.4g %.4g %.4g %d\n", median(x, n), peers ? sprintf("%.6g", median(y, n)) : "null",
      median(copy, n), boot[25], boot[975], n
  }' | {
  read -r ours peer value low high rounds || {
    echo "bench_figure.sh: no rounds, or not all with a peer: $2" >&2
    exit 1
  }
  jq -nc --arg tool "$1" --arg what "$2" --argjson ours "$ours" --argjson peer "$peer" --arg unit "$unit" \
    --argjson value "$value" --argjson low "$low" --argjson high "$high" --argjson target "$target" \
    --argjson most $most --arg command "$command" --arg peer_command "$peer_command" --argjson rounds "$rounds" \
    '{tool: $tool, what: $what, ours: $ours, peer: $peer, unit: $unit,
      ratio: (if $peer == null then null else $value end), low: $low, high: $high,
      target: (if $target == null then null else (if $most == 1 then "<= " else ">= " end) + ($target | tostring) end),
      met: (if $target == null then null elif $most == 1 then $value <= $target else $value >= $target end),
      command: $command, peer_command: $peer_command, rounds: $rounds}'
}
