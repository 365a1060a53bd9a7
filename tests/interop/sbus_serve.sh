#!/usr/bin/env bash
# The server from outside: endpoints, hostile HTTP, crossed commits, SIGKILL, recovery.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command -v python3 >/dev/null || exit 77
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-serve.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
exec 2>&1
PYTHONDONTWRITEBYTECODE=1 python3 "$here/sbus_serve.py"
