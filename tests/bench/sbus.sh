#!/usr/bin/env bash
# Commits per second of sixteen agents on one key: the server beside Redis (WATCH/MULTI, everysec) and
# PostgreSQL (SERIALIZABLE), each at like durability, targets taking turns in every repeat; then the
# sweep of the published contention study on every topology. BENCH_SMOKE=1 runs tiny sizes.
set -eu
command -v jq >/dev/null || exit 77
if [ -z "${SBUS_SERVERS-}" ]; then
  SBUS_SERVERS=1 exec "$STATEUTILS_SOURCE/scripts/with_servers.sh" bash "$0"
fi
repeats=11 attempts=300 sweep=4,8,16,32 sweep_repeats=3 sweep_attempts=100
[ -z "${BENCH_SMOKE:-}" ] || repeats=1 attempts=5 sweep=4 sweep_repeats=1 sweep_attempts=3
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-sbus.XXXXXX")
pids=()
finish() {
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
PATH=$STATEUTILS_BIN:$PATH

# serve NAME MS: a server that syncs every MS ms; its address is in $url.
serve() {
  sbus-check serve -q --listen 127.0.0.1:0 --wal "$work/$1.wal" --fsync "group:$2" >"$work/$1" &
  pids+=($!)
  for _ in $(seq 200); do
    [ -s "$work/$1" ] && break
    sleep 0.05
  done
  url=$(jq -r .listening "$work/$1")
}

# versus NAME URL PEER TARGET: commits per second in alternating repeats, and what collided.
versus() {
  sbus-check bench --target "$2" --target "$3" --no-null --topology shared --agents 16 \
    --repeats "$repeats" --attempts "$attempts" --jitter-ms 0 --retry-budget 1000 >"$work/rows"
  jq -sr '[[.[] | select(.target | startswith("http")).commits_per_s],
           [.[] | select(.target | startswith("http") | not).commits_per_s]]
    | transpose[] | "\(.[0]) \(.[1])"' "$work/rows" |
    bash "$STATEUTILS_SOURCE/scripts/bench_figure.sh" -u commits/s -T "$4" -c "sbus-check bench --topology shared --agents 16 --jitter-ms 0" \
      sbus-check "16 agents on one key vs $1"
  jq -sr --arg peer "$1" 'group_by(.target | startswith("http") | not) | map("\(map(.conflicts) | add) conflicts, "
    + "\(.[0].round_trips) round trips a step, type1 \(map(.type1) | add)") | "ours: \(.[0]); \($peer): \(.[1])"' "$work/rows"
}

serve everysec 1000
targets=(--target "$url")
if [ -n "${SBUS_REDIS-}" ]; then
  targets+=(--target "redis:$SBUS_REDIS")
  versus "Redis WATCH/MULTI, everysec (ours group:1000)" "$url" "redis:$SBUS_REDIS" 2
fi
serve off 200
if [ -n "${SBUS_PG-}" ]; then
  pg="pg:$SBUS_PG options='-c synchronous_commit=off'"
  targets+=(--target "$pg")
  versus "PostgreSQL SERIALIZABLE, synchronous_commit=off (ours group:200)" "$url" "$pg" 1.5
fi
for topology in shared hot-side dedicated cross; do
  sbus-check bench "${targets[@]}" --topology $topology --agents $sweep --repeats $sweep_repeats \
    --attempts $sweep_attempts >"$work/rows"
  jq -sr 'group_by([.target, .agents])[] | (map(.success) | add) as $success | (map(.conflicts) | add) as $conflicts |
    "sweep: \(.[0].topology), \(.[0].target | split(":")[0]), \(.[0].agents) agents: " +
    "\($success) of \(map(.attempts) | add) steps, \($conflicts) conflicts, " +
    "SCR \($conflicts / (map(.attempts + .retries) | add) * 1000 | round / 1000), " +
    "\(map(.commits_per_s) | add / length | floor) commits/s, type1 \(map(.type1) | add)"' "$work/rows"
done
