#!/usr/bin/env bash
# Arrows point one way: tools -> lib/<domain> -> lib/core. Domains do not know each other, and the
# heavy headers stay behind their walls.
set -u
cd "${STATEUTILS_SOURCE:-$(dirname "$0")/../..}" || exit 1
bad=0

# complain TEXT: reads `file:line` places from stdin and reports each.
complain() {
  local place
  while read -r place; do
    echo "$place: $1"
    bad=1
  done
}

sources() {
  find "$@" -type f \( -name '*.cpp' -o -name '*.hpp' -o -name '*.cu' -o -name '*.cuh' \)
}

# includes_outside ALLOWED DIR...: places of quoted includes whose first folder is not allowed.
# A name without a folder is a file beside the including one.
includes_outside() {
  local allowed=$1
  shift
  sources "$@" | xargs -r grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"[^"]+/' /dev/null |
    grep -vE "\"($allowed)/" | cut -d: -f1-3
}

# our_links FILE: the libraries of ours that a CMakeLists.txt links.
our_links() {
  sed 's/#.*//' "$1" | grep -oE 'stateutils::[a-z]+' | sed 's/.*:://' | sort -u
}

for folder in lib/*/; do
  domain=$(basename "$folder")
  complain "lib/$domain may include only core/ and $domain/" \
    < <(includes_outside "core|$domain" "$folder")
  while read -r linked; do
    if [ "$linked" = core ] && [ "$domain" != core ]; then continue; fi
    [ "$linked" = "$domain" ] && continue
    echo "lib/$domain/CMakeLists.txt: links stateutils::$linked"
    bad=1
  done < <(our_links "lib/$domain/CMakeLists.txt")
done

for folder in tools/*/; do
  tool=$(basename "$folder")
  allowed=core
  while read -r linked; do
    allowed="$allowed|$linked"
  done < <(our_links "$folder/CMakeLists.txt")
  complain "$tool may include only what its CMakeLists.txt links ($allowed)" \
    < <(includes_outside "$allowed" "$folder")
done

for folder in tests/unit/*/ tests/property/*/; do
  [ -d "$folder" ] || continue
  domain=$(basename "$folder")
  complain "tests of $domain may include only core/ and $domain/" \
    < <(includes_outside "core|$domain|tests|\.\." "$folder")
done

complain "CLI11 is wrapped by core/cli.hpp" \
  < <(sources lib tools | grep -v '^lib/core/cli' | xargs -r grep -nE 'include *<CLI/' /dev/null)
# core/json_sax.hpp derives from nlohmann's reader; only the sources that parse with it include it.
complain "a header includes nlohmann/json_fwd.hpp only" \
  < <(find lib tools -name '*.hpp' -not -name json_sax.hpp -print0 | xargs -0 -r grep -nE 'include *<nlohmann/json.hpp>' /dev/null)
complain "CUDA sources include plain headers only" \
  < <(find lib -name '*.cu' -print0 | xargs -0 -r grep -nE 'include *(<nlohmann|<CLI|"core/cli)' /dev/null)

[ $bad -eq 0 ] && echo "arrows point from tools to domains to core"
exit $bad
