#!/usr/bin/env bash
# The tree as it is promised: the top level, the size of files, a README beside every input.
set -u
cd "${STATEUTILS_SOURCE:-$(dirname "$0")/../..}" || exit 1
bad=0
fail() {
  echo "$*"
  bad=1
}

# Tracked files and new ones that are not ignored; outside a checkout, everything but builds.
files() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files -z --cached --others --exclude-standard -- "$@"
  else
    find "${@:-.}" -type f -not -path './build/*' -not -path './demo-out/*' -printf '%P\0'
  fi
}

expected="CHANGELOG.md CMakeLists.txt CMakePresets.json LICENSE README.md lib man scripts testdata tests tools"
present=$(files | tr '\0' '\n' | cut -d/ -f1 | grep -v '^\.' | sort -u | tr '\n' ' ')
for name in $expected; do
  case " $present " in *" $name "*) ;; *) fail "top level: $name is missing" ;; esac
done
for name in $present; do
  case " $expected " in *" $name "*) ;; *) fail "top level: $name does not belong there" ;; esac
done

while IFS= read -r -d '' file; do
  [ -f "$file" ] || continue
  size=$(stat -c %s "$file")
  [ "$size" -le 1048576 ] || fail "$file: $size bytes, more than 1 MiB"
done < <(files)

total=$(files testdata | xargs -0 -r stat -c %s 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }')
[ "$total" -lt 20971520 ] || fail "testdata: $total bytes, more than 20 MiB"

while read -r folder; do
  [ -s "$folder/README.md" ] || fail "$folder: no README.md that names origin and licence"
done < <(files testdata | tr '\0' '\n' | grep '^testdata/.*/' | cut -d/ -f1-2 | sort -u)

while IFS= read -r -d '' file; do
  lines=$(wc -l <"$file")
  [ "$lines" -le 700 ] || fail "$file: $lines lines; divide it where a wall is natural"
done < <(files lib tools scripts | grep -zE '\.(cpp|hpp|cu|sh|cmake)$' | grep -zv '/tables/')

for corpus in tests/fuzz/*_*.cpp; do
  name=$(basename "$corpus" .cpp)
  if [ ! -e "$corpus" ] || [ "$name" = replay_main ]; then continue; fi
  [ -n "$(ls -A "tests/fuzz/corpus/$name" 2>/dev/null)" ] || fail "tests/fuzz/corpus/$name: no seed input"
done

[ $bad -eq 0 ] && echo "the tree is as promised ($total bytes of test data)"
exit $bad
