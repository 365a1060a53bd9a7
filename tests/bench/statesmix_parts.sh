#!/usr/bin/env bash
# What the parts of statesmix's model are worth (beside the StateSMix paper's, where STATESMIX_TEXT is
# the first 3,000,000 bytes of enwik8), two threads on two blocks, and a sparse stream of 5 GiB with
# its memory.
# PRESET=6 is the preset of the first two.
set -eu
text=${STATESMIX_TEXT:-$TESTDATA/statesmix/source-6k.txt}
preset=${PRESET:-6}
hole=5G
[ -z "${BENCH_SMOKE:-}" ] || { preset=4 hole=100M; }
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-parts.XXXXXX")
trap 'rm -rf "$work"' EXIT

# record WHAT UNIT OURS PEER TARGET: one JSON line; PEER and TARGET may be empty.
record() {
  awk -v what="$1" -v unit="$2" -v ours="$3" -v peer="$4" -v target="$5" 'BEGIN {
    printf "{\"tool\":\"statesmix\",\"what\":\"%s\",\"unit\":\"%s\",\"ours\":%s", what, unit, ours
    if (peer != "") printf ",\"peer\":%s,\"ratio\":%.4f", peer, ours / peer
    if (target != "") printf ",\"target\":%s,\"met\":%s", target, (ours / peer <= target ? "true" : "false")
    print "}" }'
}

bytes() { statesmix eval "-$preset" --every 0 "$@" "$text" | jq .bytes_out; }

paper_sha=72953fccfeb78e55251024bd6ffbe269d1d8d730ce2e4fb028117a3613c45aac
declare -A paper=()
size=()
[ "$(sha256sum <"$text" | cut -c1-64)" != $paper_sha ] ||
  paper=([count]=1571738 [ngram]=1319045 [ssm]=840095 [full]=805926)
for model in count ngram ssm full; do
  size[${#size[@]}]=$(bytes --model $model)
  record "--model $model, beside the paper's" bytes "${size[-1]}" "${paper[$model]-}" \
    "$([ -z "${paper[$model]-}" ] || [ $model = count ] || echo 1)"
done
record "what the SSM saves: ngram over full" bytes "${size[1]}" "${size[3]}" ""
record "what the recurrence saves the SSM" bytes "$(bytes --model ssm --no-recurrence)" "${size[2]}" ""
statesmix eval "-$preset" --every $(($(stat -c %s "$text") / 8)) "$text" |
  jq -r '"training curve: " + ([.curve[] | "\(.at): \(.bpb * 1000 | round / 1000) bpb"] | join(", "))'

# seconds COMMAND...: wall time.
seconds() {
  local start=$EPOCHREALTIME
  "$@" >/dev/null
  awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}
cat "$text" "$text" >"$work/two"
two() { statesmix "-$preset" -B "$(stat -c %s "$text")" -T "$1" -c "$work/two"; }
one_thread=$(seconds two 1)
record "wall time of two blocks with -T 2, beside -T 1" s "$(seconds two 2)" "$one_thread" 0.55

# rss FILE: peak memory in the --json line of FILE.
rss() { jq .peak_rss "$1"; }
truncate -s $hole "$work/hole"
statesmix compress -1 -T 1 -c --json="$work/there" <"$work/hole" >"$work/packed"
statesmix decompress -T 1 -c --json="$work/back" "$work/packed" | cmp - "$work/hole"
record "a sparse stream of ${hole}, packed and back" bytes "$(stat -c %s "$work/packed")" "" ""
record "the same: peak memory of packing" bytes "$(rss "$work/there")" "" ""
record "the same: peak memory of unpacking" bytes "$(rss "$work/back")" "" ""
