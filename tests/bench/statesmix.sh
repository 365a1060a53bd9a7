#!/usr/bin/env bash
# statesmix beside every peer that is on PATH, on each file of STATESMIX_CORPORA (a list of paths;
# default: a small source file): packed bytes and CPU seconds of one thread, ours and theirs in one
# run, as JSON lines, a table, NAME.jsonl (the points) and NAME.svg (size against time). lpaq1, paq8l,
# paq8px and statesmix-paper are taken where somebody has built them. PRESETS="1 3 6 9" chooses ours.
set -eu
corpora=${STATESMIX_CORPORA:-$TESTDATA/statesmix/source-6k.txt}
presets=${PRESETS:-1 3 6 9}
[ -z "${BENCH_SMOKE:-}" ] || presets=1
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-frontier.XXXXXX")
trap 'rm -rf "$work"' EXIT

# point NAME COMMAND: runs COMMAND, which leaves $work/packed, and notes name, bytes, CPU seconds.
point() {
  local TIMEFORMAT='%U %S'
  rm -rf "$work"/packed*
  { time bash -c "$2" >/dev/null 2>"$work/stderr"; } 2>"$work/time" || {
    echo "$1 failed: $(head -c 200 "$work/stderr")"
    return 0
  }
  awk -v name="$1" -v bytes="$(cat "$work"/packed* | wc -c)" '{ printf "%s\t%d\t%.2f\n", name, bytes, $1 + $2 }' \
    "$work/time" >>"$work/points"
}

# peer PROGRAM NAME COMMAND: where PROGRAM is installed.
peer() {
  if command -v "$1" >/dev/null; then point "$2" "$3"; fi
}

for file in $corpora; do
  : >"$work/points"
  cp "$file" "$work/in"
  cd "$work"
  for preset in $presets; do point "statesmix -$preset" "statesmix compress -$preset -T 1 -o packed in"; done
  peer xz "xz -9e" "xz -9e -T1 -c in >packed"
  peer zstd "zstd -22" "zstd -q --ultra -22 --single-thread -c in >packed"
  peer brotli "brotli -11" "brotli -q 11 -w 24 -c in >packed"
  peer bzip2 "bzip2 -9" "bzip2 -9 -c in >packed"
  peer 7z "7z PPMd" "7z a -bd -mmt=1 -m0=PPMd:o=6:mem=64m packed.7z in"
  peer zpaq "zpaq -m5" "zpaq add packed.zpaq in -method 5 -threads 1"
  peer lpaq1 "lpaq1 6" "lpaq1 6 in packed"
  if [ -z "${BENCH_SMOKE:-}" ]; then
    peer paq8l "paq8l -6" "paq8l -6 packed in </dev/null"
    peer paq8px "paq8px -6" "paq8px -6 in packed"
    peer statesmix-paper "StateSMix" "statesmix-paper compress in packed"
  fi
  cd "$OLDPWD"
  name=$(basename "$file")
  awk -F '\t' '{ printf "{\"name\":\"%s\",\"bytes\":%d,\"cpu_s\":%s}\n", $1, $2, $3 }' "$work/points" >"$name.jsonl"
  statesmix plot --title "$name: size against time" -o "$name.svg" "$name.jsonl"
  echo "$name, $(stat -c %s "$file") bytes, sha256 $(sha256sum <"$file" | cut -c1-16); plot in $name.svg"
  awk -F '\t' '{ printf "  %-14s %10d bytes %8.2f s\n", $1, $2, $3 }' "$work/points"
  # Every preset beside every peer: sizes (ratio = ours / peer, smaller is better) and CPU seconds.
  awk -F '\t' -v file="$name" '
    $1 ~ /^statesmix/ { our[++n] = $1; size[n] = $2; cpu[n] = $3; next }
    { for (i = 1; i <= n; i++)
        printf "{\"tool\":\"statesmix\",\"what\":\"%s: %s vs %s\",\"unit\":\"bytes\",\"ours\":%d,\"peer\":%d,\"ratio\":%.4f,\"cpu_ours\":%.2f,\"cpu_peer\":%.2f,\"cpu_ratio\":%.3f}\n",
          file, our[i], $1, size[i], $2, size[i] / $2, cpu[i], $3, cpu[i] / ($3 > 0 ? $3 : 0.01) }' "$work/points"
done
