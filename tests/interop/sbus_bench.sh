#!/usr/bin/env bash
# bench against the real servers: no update is lost, recorded logs audit clean, and with ORI off
# the audit finds exactly the stale commits that the server counted.
set -eu
command -v jq >/dev/null && command -v curl >/dev/null || exit 77
if [ -n "${SBUS_NEEDS_PEERS-}" ] && [ -z "${SBUS_PG-}${SBUS_REDIS-}" ]; then exit 77; fi
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-bench.XXXXXX")
server=''
finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
cd "$work"
exec 2>&1

# serve OPTIONS...: a server whose address is in $url.
serve() {
  : >hello
  sbus-check serve --listen 127.0.0.1:0 "$@" >hello 2>>server.log &
  server=$!
  for _ in $(seq 200); do
    [ -s hello ] && break
    sleep 0.05
  done
  url=$(jq -r .listening hello)
}
stop() {
  kill -TERM "$server"
  wait "$server"
  server=''
}
# same WHAT EXPECTED ACTUAL
same() {
  if [ "$2" != "$3" ]; then
    echo "$1: expected $2, got $3"
    exit 1
  fi
}

targets=()
each_topology() {
  local topology
  for topology in shared hot-side dedicated cross; do
    sbus-check bench "${targets[@]}" --topology "$topology" --agents 4,16 --repeats 1 --attempts 20 \
      --jitter-ms 0:1 >rows
    same "$topology: type1" 0 "$(jq -s 'map(.type1) | add' rows)"
    # SERIALIZABLE aborts transactions of PostgreSQL that share no row, only a page.
    same "$topology: conflicts" "$([ $topology = dedicated ] && echo false || echo true)" \
      "$(jq -s 'map(select(.target | startswith("pg") | not) | .conflicts) | add > 0' rows)"
    same "$topology: sums" true \
      "$(jq -s 'all(.success + .conflicts == .attempts + .retries)' rows)"
  done
}

# recorded TARGET: runs whose log must be clean.
recorded() {
  local topology
  for topology in hot-side cross; do
    sbus-check bench --target "$1" --topology "$topology" --agents 8 --repeats 2 --attempts 30 \
      --jitter-ms 0:1 --record seen >rows
    sbus-check audit --summary --no-frame seen >found
    same "$1 $topology: commits" "$(jq -s 'map(.success) | add' rows)" "$(jq .commits found)"
  done
}

serve --wal wal --fsync group:50
targets=(--target "$url" --target null)
recorded "$url"
if [ -n "${SBUS_REDIS-}" ]; then
  targets+=(--target "redis:$SBUS_REDIS")
  recorded "redis:$SBUS_REDIS"
fi
if [ -n "${SBUS_PG-}" ]; then
  targets+=(--target "pg:$SBUS_PG")
  recorded "pg:$SBUS_PG"
fi
each_topology
stop
sbus-check audit wal >/dev/null

serve --ori off --wal off
sbus-check bench --target "$url" --topology cross --agents 8 --repeats 1 --attempts 40 \
  --jitter-ms 0:1 --record seen >rows
divergent=$(curl -s "$url/stats" | jq .view_divergent_commits)
stop
for log in seen off; do
  code=0
  sbus-check audit --summary --no-frame "$log" >found || code=$?
  same "ori off, $log" 1 $code
  same "ori off, $log: stale commits" "$divergent" "$(tail -n 1 found | jq .xs_commits)"
  same "ori off, $log: lost updates" 0 "$(tail -n 1 found | jq .ww)"
done

code=0
sbus-check bench --target http://127.0.0.1:1 2>/dev/null || code=$?
same "nobody there" 4 $code
code=0
sbus-check bench --target nonsense 2>/dev/null || code=$?
same "no target" 2 $code
