#!/usr/bin/env bash
# Installs the build into a scratch prefix, then builds a small program against it by CMake's
# find_package and by pkg-config, and looks for what an installation must have.
set -eu
build=$(dirname "$STATEUTILS_BIN")
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-install.XXXXXX")
trap 'rm -rf "$work"' EXIT
for folder in "$STATEUTILS_SOURCE"/tools/*/; do
  if [ -e "$folder/main.cpp" ] && [ ! -x "$STATEUTILS_BIN/$(basename "$folder")" ]; then
    echo "only a part is built: $(basename "$folder") is missing"
    exit 77
  fi
done
if grep -q '^STATEUTILS_SANITIZE:[A-Z]*=.' "$build/CMakeCache.txt"; then
  echo "a sanitizer build is not for installing"
  exit 77
fi

cmake --install "$build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log" && exit 1; }
cmake -S "$STATEUTILS_SOURCE/tests/interop/consumer" -B "$work/consumer" \
  -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/log" 2>&1 || { cat "$work/log" && exit 1; }
cmake --build "$work/consumer" >"$work/log" 2>&1 || { cat "$work/log" && exit 1; }
[ "$("$work/consumer/consumer" 64Mi)" = "64.00 MiB 6627e8d5" ]

pc=$(find "$work/prefix" -name stateutils.pc)
export PKG_CONFIG_PATH=${pc%/*}
read -ra flags <<<"$(pkg-config --cflags --libs stateutils)"
c++ -std=c++20 "$STATEUTILS_SOURCE/tests/interop/consumer/main.cpp" "${flags[@]}" -o "$work/by-pkg-config"
[ "$("$work/by-pkg-config" 64Mi)" = "64.00 MiB 6627e8d5" ]

for folder in "$STATEUTILS_SOURCE"/tools/*/; do
  tool=$(basename "$folder")
  [ -e "$folder/main.cpp" ] || continue
  "$work/prefix/bin/$tool" --version >/dev/null
  bash -n "$work/prefix/share/bash-completion/completions/$tool"
  if command -v scdoc >/dev/null && [ -e "$STATEUTILS_SOURCE/man/$tool.1.scd" ]; then
    gzip -t "$work/prefix/share/man/man1/$tool.1.gz"
  fi
done
echo "installed; a consumer builds by find_package and by pkg-config"
