#!/usr/bin/env bash
# Measures a command and its peer in alternating rounds and prints one JSON object:
#   bench_pair.sh [-r ROUNDS] [-m cpu|wall] [-T TARGET] TOOL WHAT OURS PEER
#
# OURS and PEER are shell commands that do the same work; their stdout goes to /dev/null. Each round
# runs both, in turns of order; one round before them warms the caches. The figure is CPU time (or
# wall time) per run, TARGET the least ratio wanted; bench_figure.sh says what is made of the rounds.
set -eu
rounds=10 measure=cpu target=''
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
"$(dirname "$0")/bench_figure.sh" -s -u "s $measure" ${target:+-T "$target"} -c "$ours" -p "$peer" "$tool" "$what" \
  <"$work/rounds"
