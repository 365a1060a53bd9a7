#!/usr/bin/env bash
# Runs the examples of man pages and of the README: run_page.sh PAGE...
#
# In a literal block (between lines of three backquotes), a line `$ COMMAND` is run by bash, with
# lines that start with `> ` and lines after a final backslash as its continuation; the lines below
# it, up to the next `$ ` or the end of the block, are what it prints (stdout and stderr together,
# `...` as in tests/cli). All commands of a page run in one scratch folder, where `testdata` leads to
# the test data. A block without `$ ` is not run. A command whose program is not installed (exit
# 127) or that exits 77 is passed over with a note.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/environment.sh
. "$here/../environment.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-examples.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# examples PAGE FOLDER: writes FOLDER/N.cmd, N.out and N.line for each command, prints the count.
examples() {
  awk -v folder="$2" -v scd="$([[ $1 == *.scd ]] && echo 1)" '
    function close_case() { if (open) { close(file ".cmd"); close(file ".out") } open = 0 }
    /^```/ { literal = !literal; close_case(); next }
    !literal { next }
    {
      if (scd) gsub(/\\\\/, "\\")  # scdoc writes one backslash as two
    }
    /^\$ / {
      close_case()
      file = folder "/" ++n
      open = 1
      print substr($0, 3) >(file ".cmd")
      printf "" >(file ".out")
      print NR >(file ".line")
      close(file ".line")
      more = /\\$/
      fresh = 1
      next
    }
    !open { next }
    more || (fresh && /^> /) {
      print (more ? $0 : substr($0, 3)) >(file ".cmd")
      more = /\\$/
      next
    }
    { fresh = 0; print >(file ".out") }
    END { close_case(); print n + 0 }' "$1"
}

run_page() {
  local page=$1 count i code passed=0 passed_over=0 bad=0
  rm -rf "$work/cases" "$work/run"
  mkdir "$work/cases" "$work/run"
  ln -s "$TESTDATA" "$work/run/testdata"
  count=$(examples "$page" "$work/cases")
  for ((i = 1; i <= count; i++)); do
    (cd "$work/run" && exec bash "$work/cases/$i.cmd" </dev/null >"$work/actual" 2>&1)
    code=$?
    if [ $code -eq 127 ] || [ $code -eq 77 ]; then
      echo "${page##*/}:$(cat "$work/cases/$i.line"): passed over: $(tail -n 1 "$work/actual")"
      passed_over=$((passed_over + 1))
    elif [ $code -ne 0 ] && [ ! -s "$work/cases/$i.out" ]; then
      echo "${page##*/}:$(cat "$work/cases/$i.line"): exit $code: $(head -n 1 "$work/actual")"
      bad=1
    elif cmp -s "$work/cases/$i.out" "$work/actual" ||
      awk -f "$here/../match.awk" "$work/cases/$i.out" "$work/actual"; then
      passed=$((passed + 1))
    else
      echo "${page##*/}:$(cat "$work/cases/$i.line"): the output is not as shown (exit $code): $(head -n 1 "$work/cases/$i.cmd")"
      diff -a -u --label shown --label actual "$work/cases/$i.out" "$work/actual" | cut -b 1-300 | head -n 40
      bad=1
    fi
  done
  echo "${page##*/}: $passed of $count examples as shown, $passed_over passed over"
  [ "$passed_over" -gt 0 ] && [ "$passed" -eq 0 ] && [ $bad -eq 0 ] && return 77
  return $bad
}

result=0
for page in "$@"; do
  run_page "$page"
  code=$?
  if [ $code -eq 1 ] || [ $# -eq 1 ]; then result=$code; fi
done
exit $result
