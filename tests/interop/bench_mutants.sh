#!/usr/bin/env bash
# A script that shares no code with `validate` mutates emitted tasks and asks `judge` alone.
set -eu
command -v python3 >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gen-bench generate --family conflict17 -n 6 --quiet -o "$work/tasks.jsonl"
python3 "$STATEUTILS_SOURCE/scripts/mutate_tasks.py" --tasks 3 "$work/tasks.jsonl" >"$work/report.json" || {
  cat "$work/report.json"
  exit 1
}
grep -q '"kill_rate": 1.0' "$work/report.json"
