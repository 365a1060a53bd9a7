#!/usr/bin/env bash
# The models give the release build's streams on another architecture: an aarch64 cross build under
# qemu-user, where both are installed.
set -eu
if ! command -v aarch64-linux-gnu-g++ >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
  echo "needs g++-aarch64-linux-gnu and qemu-user"
  exit 77
fi
lib=$STATEUTILS_SOURCE/lib
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-portable.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
head -c 1200 "$TESTDATA/statesmix/source-6k.txt" >raw
for preset in 1 3 6; do statesmix compress -$preset -c raw >"frame.$preset"; done

for source in "$lib"/core/{error,isa}.cpp "$lib"/statesmix/isa.cpp "$lib"/statesmix/cm/*.cpp \
  "$lib"/statesmix/ssm/*.cpp "$lib"/statesmix/codec/{float_scope,model_config,predictor}.cpp \
  "$STATEUTILS_SOURCE/tests/interop/statesmix_portable.cpp"; do
  case $source in *avx*) continue ;; esac
  while [ "$(jobs -r | wc -l)" -ge 2 ]; do wait -n; done
  aarch64-linux-gnu-g++ -O1 -std=c++20 -ffp-contract=off -I"$lib" -c "$source" \
    -o "$(basename "$(dirname "$source")")-$(basename "$source").o" &
done
wait
aarch64-linux-gnu-g++ -static ./*.o -o portable
# An empty name is the best kernel there: neon.
for isa in scalar ''; do STATESMIX_ISA=$isa qemu-aarch64 portable raw frame 1 3 6; done
