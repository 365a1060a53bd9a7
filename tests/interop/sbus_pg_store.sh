#!/usr/bin/env bash
# Servers that share a PostgreSQL database, where it is installed.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command -v python3 >/dev/null && [ -d /usr/lib/postgresql ] || exit 77
# shellcheck disable=SC2016  # for the inner shell
exec "$here/../../scripts/with_servers.sh" bash -c '
  if [ -z "${SBUS_PG-}" ]; then exit 77; fi
  exec python3 "$1" 2>&1' - "$here/sbus_pg_store.py"
