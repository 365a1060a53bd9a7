#!/usr/bin/env bash
# The stream layer beside its peers: JSON Lines against nlohmann's DOM, .npy through a pipe against
# head and wc, zstd input against the zstd program. BENCH_SMOKE=1 runs tiny sizes.
set -eu
streams=${STATEUTILS_BIN%/*}/tests/core_streams
pair=$STATEUTILS_SOURCE/scripts/bench_pair.sh
rounds=11 records=1300000 bytes=2147483648
[ -z "${BENCH_SMOKE:-}" ] || rounds=1 records=1000 bytes=1048576
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-core.XXXXXX")
trap 'rm -rf "$work"' EXIT
trace=$work/trace.jsonl

"$streams" make-jsonl "$records" >"$trace"
echo "input: $(sha256sum <"$trace" | cut -c1-16) $(stat -c %s "$trace") bytes of JSON Lines"
if [ "$("$streams" sum-jsonl "$trace")" != "$("$streams" sum-jsonl-nlohmann "$trace")" ]; then
  echo "core.sh: the readers disagree" >&2
  exit 1
fi
bash "$pair" -r $rounds -T 4 core "JSON Lines, all fields summed, vs nlohmann DOM per line" \
  "'$streams' sum-jsonl '$trace'" "'$streams' sum-jsonl-nlohmann '$trace'"

rows=$((bytes / 64))
for measure in wall cpu; do
  bash "$pair" -r $rounds -m $measure -T 0.9 core ".npy written and summed through a pipe, vs head -c N /dev/zero | wc -c" \
    "'$streams' make-npy $rows 8 | '$streams' sum-npy -" "head -c $bytes /dev/zero | wc -c"
done
quarter=$((rows / 4))
"$streams" make-npy $quarter 8 >"$work/array.npy"
for measure in wall cpu; do
  bash "$pair" -r $rounds -m $measure -T 1.3 core ".npy written through a pipe, vs cat of the same file" \
    "'$streams' make-npy $quarter 8 | '$streams' drain-npy -" "cat '$work/array.npy' | '$streams' drain-npy -"
done
bash "$pair" -r $rounds core "a file copied through the stream layer, vs cat" \
  "'$streams' cat '$work/array.npy' | '$streams' drain-npy -" "cat '$work/array.npy' | '$streams' drain-npy -"

zstd -q -3 "$trace" -o "$trace.zst"
bash "$pair" -r $rounds core "zstd decoded on the way, vs zstd -dc" \
  "'$streams' cat '$trace.zst'" "zstd -dc -T1 '$trace.zst'"
