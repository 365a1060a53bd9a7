#!/usr/bin/env bash
# Random clients and kills for SECONDS (first argument; SBUS_ENDURE; 6): an hour is sbus_endure.sh 3600.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command -v python3 >/dev/null || exit 77
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-endure.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
PYTHONDONTWRITEBYTECODE=1 python3 "$here/sbus_endure.py" "${1:-${SBUS_ENDURE:-6}}" "${2:-1}" 2>&1
