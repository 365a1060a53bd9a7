#!/usr/bin/env bash
# sbus-check without servers, CPU seconds of whole processes: the audit beside raw simdjson On-Demand
# on the same 100-byte records, the exhaustive model, a linearizability check. BENCH_SMOKE=1 runs tiny
# sizes.
set -eu
rounds=11 operations=2000000 model=()
[ -z "${BENCH_SMOKE:-}" ] || { rounds=1 operations=1000 model=(--agents 2); }
figure=$STATEUTILS_SOURCE/scripts/bench_figure.sh
lines=${STATEUTILS_BIN%/*}/tests/sbus_lines
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-sbus.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

# seconds [cpu|wall] COMMAND...
seconds() {
  local TIMEFORMAT='%R %U %S' measure=$1
  shift
  { time "$@" >out 2>err; } 2>took || {
    cat err >&2
    return 1
  }
  awk -v measure="$measure" '{ print (measure == "wall" ? $1 : $2 + $3) }' took
}

"$lines" make "$operations" >log.jsonl
echo "input: $(sha256sum <log.jsonl | cut -c1-16) $operations records, $(stat -c %s log.jsonl) bytes"
audit=(sbus-check audit --no-frame --summary log.jsonl)
for _ in $(seq "$rounds"); do
  echo "$(seconds cpu "${audit[@]}") $(seconds cpu "$lines" on-demand log.jsonl)"
done >audit_rounds
bash "$figure" -s -u "CPU s" -T 0.4 -c "${audit[*]}" -p "sbus_lines on-demand log.jsonl" sbus-check \
  "audit vs raw simdjson On-Demand on the same records" <audit_rounds
awk -v n="$operations" '{ print n / $1 }' audit_rounds |
  bash "$figure" -u "ops/CPU s" -T 3000000 -c "${audit[*]}" sbus-check "audit, every check on"

sbus-check model "${model[@]}" --threads 1 >counts
for _ in $(seq $(((rounds + 1) / 2))); do
  seconds cpu sbus-check model "${model[@]}" --threads 1
done | bash "$figure" -s -u "CPU s" -M 5 -c "sbus-check model --threads 1" sbus-check \
  "model, $(jq -r '"\(.distinct) distinct, \(.generated) generated states"' counts)"
if [ "$(nproc)" -ge 2 ]; then
  for _ in $(seq $(((rounds + 1) / 2))); do
    echo "$(seconds wall sbus-check model "${model[@]}" --threads 2) $(seconds wall sbus-check model "${model[@]}" --threads 1)"
  done | bash "$figure" -s -u "wall s" -T 1.6 -c "sbus-check model --threads 2" sbus-check "model, 2 threads vs 1"
fi

history=$TESTDATA/sbus-check/porcupine/c50-ok.txt
for _ in $(seq "$rounds"); do
  seconds cpu sbus-check history "$history"
done | bash "$figure" -s -u "CPU s" -c "sbus-check history c50-ok.txt" sbus-check "linear, kv c50-ok"
