#!/usr/bin/env bash
# statesmix beside every peer that is on PATH, on each corpus: packed bytes, CPU seconds of one
# thread and peak memory, ours and theirs in one run. Corpora: the files of the folder STATESMIX_DATA
# (of enwik8, packed or not, its first 1,000,000 and 3,000,000 bytes), or the paths in
# STATESMIX_CORPORA, or a small source file. lpaq1, paq8l, paq8px and statesmix-paper are taken where
# somebody has built them. PRESETS="1 3 6 9" chooses ours; of ROUNDS=1 the least time counts.
#
# Leaves NAME.jsonl and NAME.svg (size against time) for each corpus, statesmix-table.md and
# statesmix-table.json: every point, and what the presets are to reach with the ratio met or missed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
presets=${PRESETS:-1 3 6 9}
rounds=${ROUNDS:-1}
[ -z "${BENCH_SMOKE:-}" ] || presets=1 rounds=1
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-frontier.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/corpora"

# prefix FILE BYTES NAME: the first BYTES as a corpus.
prefix() {
  case $1 in
    *.xz) xz -dc "$1" ;;
    *) cat "$1" ;;
  esac 2>/dev/null | head -c "$2" >"$work/corpora/$3" || true
  [ "$(stat -c %s "$work/corpora/$3")" -eq "$2" ] || rm "$work/corpora/$3"
}

if [ -n "${STATESMIX_DATA:-}" ]; then
  for file in "$STATESMIX_DATA"/*; do
    case $(basename "$file") in
      README* | *SUMS) ;;
      enwik8*)
        prefix "$file" 1000000 enwik8-1M
        prefix "$file" 3000000 enwik8-3M
        ;;
      *) [ "$(stat -c %s "$file")" -lt 4096 ] || cp "$file" "$work/corpora/" ;;
    esac
  done
else
  for file in ${STATESMIX_CORPORA:-$TESTDATA/statesmix/source-6k.txt}; do cp "$file" "$work/corpora/"; done
fi

# clocked COMMAND: runs it in $work; sets cpu (seconds) and rss (bytes, 0 where nothing tells).
clocked() {
  local TIMEFORMAT='%U %S 0' status=0
  if [ -x /usr/bin/time ]; then
    (cd "$work" && /usr/bin/time -q -f '%U %S %M' -o time bash -c "$1" >/dev/null 2>stderr) || status=$?
  else
    { time (cd "$work" && bash -c "$1" >/dev/null 2>stderr) || status=$?; } 2>"$work/time"
  fi
  read -r cpu rss < <(awk 'END { printf "%.2f %d\n", $1 + $2, $3 * 1024 }' "$work/time")
  return $status
}

# point NAME COMMAND [BACK]: COMMAND leaves packed*; BACK, where given, leaves in.back, which must be in.
point() {
  local cpu rss bytes back=null
  rm -rf "$work"/packed*
  if ! clocked "$2"; then
    echo "$1 failed: $(head -c 200 "$work/stderr")"
    return 0
  fi
  bytes=$(cat "$work"/packed* | wc -c)
  local packing=$cpu memory=$rss
  if [ -n "${3:-}" ]; then
    if ! clocked "$3" || ! cmp -s "$work/in" "$work/in.back"; then
      echo "$1: does not come back"
      return 1
    fi
    back=$cpu
  fi
  printf '{"name":"%s","bytes":%d,"cpu_s":%s,"back_cpu_s":%s,"peak_rss":%d}\n' \
    "$1" "$bytes" "$packing" "$back" "$memory" >>"$work/rounds"
}

# peer PROGRAM NAME COMMAND: where PROGRAM is installed.
missing=()
peer() {
  if command -v "$1" >/dev/null; then
    point "$2" "$3"
  else
    case " ${missing[*]-} " in *" $1 "*) ;; *) missing+=("$1") ;; esac
  fi
}

one_round() {
  local preset
  for preset in $presets; do
    point "statesmix -$preset" "statesmix compress -$preset -T 1 -f -o packed in" \
      "statesmix decompress -T 1 -f -o in.back packed"
  done
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
}

# What a corpus is held to: text, binary (DNA among it), or noise that nothing can shorten.
kind_of() {
  if [ "$(gzip -9 -c "$1" | wc -c)" -ge $(($(stat -c %s "$1") * 98 / 100)) ]; then
    echo noise
  elif [ "$(tr -d '\0' <"$1" | wc -c)" -ne "$(stat -c %s "$1")" ] || [ "${1%.fa}" != "$1" ]; then
    echo binary
  else
    echo text
  fi
}

for file in "$work"/corpora/*; do
  name=$(basename "$file")
  cp "$file" "$work/in"
  : >"$work/rounds"
  for ((round = 0; round < rounds; round++)); do one_round; done
  jq -cs 'group_by(.name) | map(min_by(.cpu_s)) | sort_by((.name | startswith("statesmix ") | not), .name)[]' \
    "$work/rounds" >"$name.jsonl"
  statesmix plot --title "$name: size against time" -o "$name.svg" "$name.jsonl"
  jq -cs --arg file "$name" --arg kind "$(kind_of "$file")" --arg sha "$(sha256sum <"$file" | cut -c1-64)" \
    --argjson size "$(stat -c %s "$file")" \
    '{file: $file, kind: $kind, bytes: $size, sha256: $sha, points: .}' "$name.jsonl" >>"$work/all"
  echo "$name, $(stat -c %s "$file") bytes; plot in $name.svg"
done

jq -s --arg missing "${missing[*]-}" -f "$here/statesmix_table.jq" "$work/all" >statesmix-table.json
jq -r .markdown statesmix-table.json >statesmix-table.md
jq 'del(.markdown)' statesmix-table.json >"$work/table" && cp "$work/table" statesmix-table.json
echo "the whole table: statesmix-table.md, statesmix-table.json"
# For the common table of scripts/bench.sh: what is to be reached.
jq -c '.targets[] | {tool: "statesmix", what: "\(.file): \(.what)", unit, ours, peer, ratio,
  target: "<= \(.target)", met}' statesmix-table.json
