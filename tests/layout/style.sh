#!/usr/bin/env bash
# House style that a machine can see: shell and C++ formatting, words and calls that may not stay.
set -u
cd "${STATEUTILS_SOURCE:-$(dirname "$0")/../..}" || exit 1
bad=0
skipped=""

sources() {
  find "$@" -type f \( -name '*.cpp' -o -name '*.hpp' -o -name '*.cu' \) | sort
}

# forbid TEXT PATTERN: reads file names from stdin; a line that matches is an error.
forbid() {
  local hits
  hits=$(tr '\n' '\0' | xargs -0 -r grep -nE "$2" /dev/null)
  [ -z "$hits" ] && return
  printf '%s:\n%s\n' "$1" "$hits"
  bad=1
}

# Fuzz corpora and golden outputs are data, not prose.
texts() {
  find lib tools man scripts tests .ci README.md CHANGELOG.md CMakeLists.txt CMakePresets.json -type f \
    -not -path 'tests/fuzz/corpus/*' -not -name '*.out' -not -name '*.err' \
    -not -path tests/layout/style.sh 2>/dev/null
}

if command -v shellcheck >/dev/null; then
  { find scripts tests -name '*.sh' -not -path 'tests/cli/*/*' && find .ci -type f 2>/dev/null; } |
    sort | xargs shellcheck -x || bad=1
  # Golden cases are snippets for bash: no interpreter line, words split where the case wants it.
  find tests/cli -mindepth 2 -name '*.sh' | sort | xargs -r shellcheck -s bash -S warning -e SC2010 || bad=1
else
  skipped="$skipped shellcheck"
fi

# Other versions of clang-format lay some lines out differently, so only this one may judge.
if command -v clang-format >/dev/null && clang-format --version | grep -q 'version 14\.'; then
  unformatted=$(sources lib tools tests | xargs clang-format --dry-run 2>&1 |
    sed -nE 's/^([^:]+):.*code should be clang-formatted.*/\1/p' | sort -u)
  if [ -n "$unformatted" ]; then
    printf 'not formatted (clang-format -i FILE):\n%s\n' "$unformatted"
    bad=1
  fi
else
  skipped="$skipped clang-format-14"
fi

texts | forbid "unfinished work" '\b(TODO|FIXME|XXX|HACK)\b'
sources lib | grep -vE '^lib/core/(tool|signals|process|subprocess)' |
  forbid "libraries do not end the process" '(^|[^a-zA-Z_.>:])(std::|::)?(_?exit|abort|quick_exit|terminate)\('
sources lib tools | forbid "data goes through core::Output" 'std::(cout|cerr|clog|printf|puts)\b|include <iostream>'
sources lib tools | forbid "names stay qualified" 'using namespace std;'
sources lib tools | forbid "sums have a written order" 'ffast-math|-Ofast'

for main in tools/*/main.cpp; do
  [ -e "$main" ] || continue
  lines=$(wc -l <"$main")
  [ "$lines" -lt 60 ] && continue
  echo "$main: $lines lines; a main only registers its commands"
  bad=1
done

while read -r script; do
  [ -x "$script" ] && continue
  echo "$script: not executable"
  bad=1
done < <(find scripts -name '*.sh'; find .ci -name run 2>/dev/null)

[ -n "$skipped" ] && echo "not checked, the program is absent:$skipped"
[ $bad -eq 0 ] && echo "style holds"
exit $bad
