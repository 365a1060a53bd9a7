#!/usr/bin/env bash
# One stream whatever the compiler, its optimisation, the kernels and the threads: the codec's
# sources are built by g++ and clang++ with -O0 and -O3, each build decodes the checked-in streams
# and writes the same frames as the build under test, with 1, 2 and 7 threads.
set -eu
lib=$STATEUTILS_SOURCE/lib
golden=$TESTDATA/statesmix
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-compilers.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

# One translation unit for each kind of kernel and one for the rest: headers cost the most time.
declare -A march=([base]='' [neon]='')
if [ "$(uname -m)" = x86_64 ]; then
  march=([base]=-march=x86-64-v2 [sse2]=-march=x86-64-v2 [avx2]=-march=x86-64-v3 [avx512]=-march=x86-64-v4)
fi
for source in "$lib"/core/{crc32c,error,hash,hash_avx2,input,isa,output,signals,threads,units,zstd_input}.cpp \
  "$lib"/statesmix/isa.cpp "$lib"/statesmix/{cm,ssm,container,codec}/*.cpp \
  "$STATEUTILS_SOURCE/tests/interop/statesmix_compilers.cpp"; do
  unit=$(sed -nE 's/.*_(sse2|avx2|avx512|neon)\.cpp$/\1/p' <<<"$source")
  unit=${unit:-base}
  [ -z "${march[$unit]+known}" ] || echo "#include \"$source\"" >>"$unit.cpp"
done

# build COMPILER LEVEL: the program COMPILER-LEVEL, two compilations at a time.
build() {
  local unit
  for unit in "${!march[@]}"; do
    # shellcheck disable=SC2086  # an empty flag is none
    "$1" "-$2" -std=c++20 -fopenmp -ffp-contract=off -w ${march[$unit]} -I"$lib" -c "$unit.cpp" -o "$1-$2-$unit.o" &
    while [ "$(jobs -r | wc -l)" -ge 2 ]; do wait -n || return 1; done
  done
  wait || return 1
  "$1" -fopenmp "$1-$2"-*.o -lzstd -lcrypto -o "$1-$2"
}

compilers=()
for compiler in g++ clang++; do
  if ! command -v $compiler >/dev/null; then
    echo "$compiler is not here: not compared"
  elif ! echo 'int main() {}' | $compiler -fopenmp -xc++ - -o probe 2>/dev/null; then
    echo "$compiler has no OpenMP here: not compared"
  else
    compilers+=("$compiler")
  fi
done
if [ ${#compilers[@]} -eq 0 ]; then
  echo "needs g++ or clang++"
  exit 77
fi

presets="1 3 6 9"
block=500
head -c 1500 "$golden/source-6k.txt" >raw
for preset in $presets; do statesmix "-$preset" -B $block -T 1 -c raw >"frame.$preset"; done

bad=0
# same LABEL FILE FILE
same() {
  cmp -s "$2" "$3" && return
  echo "$1: DIFFERENT"
  bad=1
}
# presets_at LEVEL: without optimisation a model takes seconds for each kilobyte, so that two of them
# stand for all but in full runs.
presets_at() {
  if [ "$1" = O0 ] && [ "${STATEUTILS_TORTURE:-quick}" != full ]; then echo "1 6"; else echo "$presets"; fi
}
# coded PRESET THREADS: codes the small file and compares.
coded() {
  "$codec" compress "$1" $block "$2" raw >out
  same "$compiler -$level: preset $1, $2 threads" out "frame.$1"
}
for compiler in "${compilers[@]}"; do
  for level in O0 O3; do
    build "$compiler" $level
    codec=./$compiler-$level
    for preset in $(presets_at $level); do
      if [ "$level $preset" = "O0 9" ]; then
        coded 9 1
        continue
      fi
      for stream in "$golden"/golden-*-"$preset".ssmx; do
        "$codec" decompress "$stream" >out
        same "$compiler -$level: $(basename "$stream")" out "$golden/source-6k.txt"
      done
      for threads in 1 2 7; do coded "$preset" $threads; done
      STATESMIX_ISA=scalar coded "$preset" 1
    done
    echo "$compiler -$level: presets $(presets_at $level) compared"
  done
done
exit $bad
