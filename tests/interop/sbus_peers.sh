#!/usr/bin/env bash
# The same with PostgreSQL and Redis, where they are installed.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command -v redis-server >/dev/null || [ -d /usr/lib/postgresql ] || exit 77
export SBUS_NEEDS_PEERS=1
exec "$here/../../scripts/with_servers.sh" bash "$here/sbus_bench.sh"
