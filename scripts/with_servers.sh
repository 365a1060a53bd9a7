#!/usr/bin/env bash
# Runs a command beside scratch servers of PostgreSQL and Redis: with_servers.sh COMMAND...
#
# Both listen on loopback alone, keep their files in a scratch folder and end with the command. The
# command finds them in SBUS_PG (a connection string) and SBUS_REDIS (HOST:PORT), which are unset
# where a server is not installed. Redis runs with appendfsync everysec, PostgreSQL with its defaults;
# a connection may set synchronous_commit.
set -eu
if [ $# -eq 0 ]; then
  echo "usage: with_servers.sh COMMAND..." >&2
  exit 2
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-servers.XXXXXX")
redis_pid='' postgres_pid=''
finish() {
  if [ -n "$redis_pid" ]; then kill "$redis_pid" 2>/dev/null || true; fi
  if [ -n "$postgres_pid" ]; then kill -INT "$postgres_pid" 2>/dev/null || true; fi
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP
unset SBUS_PG SBUS_REDIS

# answers PORT: whether somebody listens there.
answers() {
  (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 40000))
    answers "$port" || break
  done
  echo "$port"
}
# wait_for PORT PID: until it answers; 1 when its server ended or never does.
wait_for() {
  for _ in $(seq 300); do
    kill -0 "$2" 2>/dev/null || return 1
    answers "$1" && return 0
    sleep 0.1
  done
  return 1
}

if command -v redis-server >/dev/null; then
  port=$(free_port)
  redis-server --bind 127.0.0.1 --port "$port" --dir "$work" --save '' --appendonly yes \
    --appendfsync everysec >"$work/redis.log" 2>&1 &
  redis_pid=$!
  if wait_for "$port" "$redis_pid"; then export SBUS_REDIS=127.0.0.1:$port; fi
fi

# PostgreSQL refuses to run as root.
as_user=()
if [ "$(id -u)" -eq 0 ]; then
  as_user=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
if [ -n "$bin" ] && { [ "$(id -u)" -ne 0 ] || id postgres >/dev/null 2>&1; }; then
  port=$(free_port)
  mkdir "$work/pg"
  chmod 711 "$work"
  touch "$work/initdb.log" "$work/postgres.log"
  if [ "$(id -u)" -eq 0 ]; then chown postgres "$work/pg"; fi
  if (cd "$work/pg" && "${as_user[@]}" "$bin/initdb" -D data -U bench -A trust -N >../initdb.log 2>&1); then
    (cd "$work/pg" && exec "${as_user[@]}" "$bin/postgres" -D data -p "$port" \
      -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 \
      >../postgres.log 2>&1) &
    postgres_pid=$!
    if wait_for "$port" "$postgres_pid"; then
      export SBUS_PG="host=127.0.0.1 port=$port user=bench dbname=postgres"
    fi
  fi
fi
"$@"
