#!/usr/bin/env bash
# Runs golden cases: run_case.sh [--update] CASE...
#
# CASE is a script, with or without its .sh. It runs under bash in an empty folder with LC_ALL=C,
# no stdin and the built tools first on PATH. Its stdout, stderr and exit code are compared with
# CASE.out, CASE.err and CASE.exit (absent = empty, empty, 0). In a sidecar, `...` inside a line
# matches any text and a line of only `...` matches any number of lines. A script that exits 77
# without CASE.exit saying so is skipped. --update rewrites the sidecars that no longer match.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/environment.sh
. "$here/../environment.sh"
unset COLUMNS LS_COLORS POSIXLY_CORRECT

update=0
if [ "${1-}" = --update ]; then
  update=1
  shift
fi
if [ $# -eq 0 ]; then
  echo "usage: run_case.sh [--update] CASE..." >&2
  exit 2
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-case.XXXXXX") || exit 1
# A case may leave folders without write permission behind.
trap 'chmod -R u+rwX "$work" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

# matches EXPECTED ACTUAL: equal, or equal up to the wildcards.
matches() {
  cmp -s "$1" "$2" && return 0
  grep -qF '...' "$1" || return 1
  awk -f "$here/../match.awk" "$1" "$2"
}

# settle CASE KIND ACTUAL: compares one sidecar, or rewrites it; 1 when it differs.
settle() {
  local sidecar=$1.$2 actual=$3 expected=$1.$2
  if [ ! -e "$expected" ]; then
    expected=$work/absent
    if [ "$2" = exit ]; then echo 0 >"$expected"; else : >"$expected"; fi
  fi
  matches "$expected" "$actual" && return 0
  if [ $update -eq 1 ]; then
    if [ ! -s "$actual" ] || { [ "$2" = exit ] && [ "$(cat "$actual")" = 0 ]; }; then
      rm -f "$sidecar"
      echo "removed $sidecar"
    else
      cp "$actual" "$sidecar"
      echo "wrote $sidecar"
    fi
    return 0
  fi
  diff -a -u --label "expected ${sidecar##*/}" --label "actual ${sidecar##*/}" "$expected" "$actual" |
    cut -b 1-400 | head -n 60
  return 1
}

run_case() {
  local case=$1 code kind bad=0
  case=$(cd "$(dirname "$case")" && pwd)/$(basename "$case" .sh)
  if [ ! -f "$case.sh" ]; then
    echo "run_case.sh: no such case: $case.sh" >&2
    return 1
  fi
  rm -rf "$work/run"
  mkdir "$work/run"
  (cd "$work/run" && exec bash "$case.sh" </dev/null >"$work/out" 2>"$work/err")
  code=$?
  echo $code >"$work/exit"
  if [ $code -eq 77 ] && [ ! -e "$case.exit" ]; then
    echo "SKIP ${case##*/}: $(tail -n 1 "$work/out")$(tail -n 1 "$work/err")"
    return 77
  fi
  for kind in out err exit; do
    settle "$case" $kind "$work/$kind" || bad=1
  done
  [ $bad -eq 0 ] || echo "FAIL $case.sh (to accept: tests/cli/run_case.sh --update $case.sh)"
  return $bad
}

result=0
for case in "$@"; do
  run_case "$case"
  code=$?
  # Of several cases, one failure outweighs any number of skips.
  if [ $code -eq 1 ] || { [ $code -eq 77 ] && [ $result -eq 0 ] && [ $# -eq 1 ]; }; then result=$code; fi
done
exit $result
