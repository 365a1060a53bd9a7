#!/usr/bin/env bash
# Set-up, release build, then a pipeline through all six tools on testdata/: demo.sh [--no-build]
#
# Every command is printed before it runs and can be repeated by hand. Outputs stay in demo-out/.
# --no-build uses the binaries that are first on PATH (an installed package, for example).
set -eu -o pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

if [ "${1-}" != --no-build ]; then
  say "packages and release build (in build/release)"
  timed "packages" scripts/setup.sh
  timed "configure" configure release
  timed "build" build release
  export PATH="$root/build/release/bin:$PATH"
fi
export LC_ALL=C
rm -rf demo-out
mkdir demo-out
demo_start=$(date +%s%N)
declare -A spent

# show TOOL COMMAND: prints and runs a shell command; its time is booked on the tool.
show() {
  local tool=$1 start status=0
  printf '\n$ %s\n' "$2"
  start=$(date +%s%N)
  # A pipeline is judged by its last command: `head` may leave early, a verdict may be exit 1.
  (set +o pipefail && eval "$2") </dev/null || status=$?
  spent[$tool]=$((${spent[$tool]:-0} + $(date +%s%N) - start))
  if [ $status -ne "${3:-0}" ]; then
    echo "demo.sh: exit $status, expected ${3:-0}" >&2
    exit 1
  fi
}

# strict AGENT: the share of tasks it solved.
strict() {
  gen-bench score --table always "demo-out/$1.jsonl" | awk 'NR == 2 { print $5 }'
}

# closing TOOL WHAT COMMAND: the line that sums a tool up.
closing() {
  printf '%-13s %-62s %5.2f s   try: %s\n' "$1" "$2" "$(awk "BEGIN { print ${spent[$1]:-0} / 1e9 }")" "$3"
}

# hit_table FILE: kv-sim cache records as a table, one row per size, one column per policy.
hit_table() {
  jq -rs 'map(select(.policy)) | (map(.policy) | unique) as $policies
    | (["blocks"] + $policies + ["no limit"] | @tsv),
      (group_by(.capacity_blocks)[] | . as $row | [($row[0].capacity_blocks),
        ($policies[] as $p | $row[] | select(.policy == $p) | .hit_blocks / .blocks * 1000 | round / 10 | tostring + "%"),
        ($row[0] | .bound.unbounded / .blocks * 1000 | round / 10 | tostring + "%")] | @tsv)' "$1" |
    awk -F '\t' '{ for (i = 1; i <= NF; i++) printf "%*s", i == 1 ? 8 : 18, $i; print "" }'
}

say "1. agents at work: tasks and a judge, what two agents are worth, who overwrote whom"
show gen-bench "gen-bench generate --family conflict17 -n 60 --seed 7 -o demo-out/tasks.jsonl"
show gen-bench "gen-bench run --agent builtin:oracle -o demo-out/oracle.jsonl demo-out/tasks.jsonl"
show gen-bench "gen-bench run --agent builtin:stale-trust -o demo-out/stale-trust.jsonl demo-out/tasks.jsonl"
show gen-bench "gen-bench score --table always demo-out/oracle.jsonl | head -n 2"
show gen-bench "gen-bench score --table always demo-out/stale-trust.jsonl | head -n 2"
show gen-bench "gen-bench generate --family multiagent -n 4 --seed 7 -o demo-out/shared.jsonl"
show gen-bench "gen-bench run --agent builtin:oracle --bug ww -o demo-out/trials.jsonl demo-out/shared.jsonl"
show gen-bench "gen-bench trace --to sbus --expected demo-out/injected.json -o demo-out/oplog.jsonl demo-out/trials.jsonl"
show sbus-check "sbus-check audit --summary --no-frame -o demo-out/audit.jsonl demo-out/oplog.jsonl" 1
show sbus-check "sbus-check audit --table always --first demo-out/oplog.jsonl | head -n 5"
injected=$(jq -c '[.ops, .commits, .rejected, .ww, .xs_commits]' demo-out/injected.json)
found=$(jq -c 'select(.type == "summary") | [.ops, .commits, .rejected, .ww, .xs_commits]' demo-out/audit.jsonl)
echo
printf '%-9s %s\n' "" "[operations, commits, rejected, lost updates, stale reads]" injected "$injected" found "$found"
[ "$injected" = "$found" ]

say "2. a cache for agent sessions: sizes from a low-discrepancy sequence, policies beside the optimum"
show qmc-sample "qmc-sample points sobol -d 1 -n 8 --randomize none --format csv -o demo-out/design.csv"
show qmc-sample "awk '{ printf \"%s%dblk\", (NR > 1 ? \",\" : \"\"), 2 ^ (9 + 9 * \$1) } END { print \"\" }' demo-out/design.csv | tee demo-out/sizes"
show kv-sim "kv-sim cache --session-arrival fixed:30 --policy lru,ttl:300,belady --capacity \$(cat demo-out/sizes) -o demo-out/hits.jsonl testdata/kv-sim/agent_sessions.jsonl.zst"
hit_table demo-out/hits.jsonl

say "3. a PyTorch file to safetensors, verified by manifest, compressed and back"
show ckpt-convert "ckpt-convert inspect testdata/ckpt-convert/torch-made/many_small.zip.pt --no-frame | head -n 3 | cut -c 1-100"
show ckpt-convert "ckpt-convert manifest testdata/ckpt-convert/torch-made/many_small.zip.pt -o demo-out/manifest.jsonl"
show ckpt-convert "ckpt-convert convert testdata/ckpt-convert/torch-made/many_small.zip.pt demo-out/model.safetensors"
show ckpt-convert "ckpt-convert verify demo-out/model.safetensors --manifest demo-out/manifest.jsonl"
show statesmix "statesmix compress -3 -k -o demo-out/model.safetensors.ssmx demo-out/model.safetensors"
show statesmix "statesmix decompress -o demo-out/back.safetensors demo-out/model.safetensors.ssmx && cmp demo-out/model.safetensors demo-out/back.safetensors && echo identical"
show statesmix "wc -c demo-out/model.safetensors demo-out/model.safetensors.ssmx | head -n 2"
show ckpt-convert "ckpt-convert convert testdata/ckpt-convert/hostile/pkl-os-system.pt demo-out/hostile.safetensors" 3

say "4. a protocol with one check left out: the shortest way to a lost update"
show sbus-check "sbus-check model --agents 2 --shards 1 --mutant no-primary-check --trace --table always | cut -c 1-110"

elapsed=$(awk "BEGIN { printf \"%.1f\", ($(date +%s%N) - $demo_start) / 1e9 }")
say "all outputs are in demo-out/ ($elapsed s)"
closing sbus-check "found the $(jq .ww demo-out/injected.json) lost updates put into $(jq .ops demo-out/injected.json) operations, and no other" "sbus-check audit YOUR.log"
closing ckpt-convert "converted and verified $(($(wc -l <demo-out/manifest.jsonl) - 2)) tensors, refused a hostile pickle" "ckpt-convert convert model.pt model.safetensors"
closing statesmix "$(stat -c %s demo-out/model.safetensors) bytes to $(stat -c %s demo-out/model.safetensors.ssmx) and back, identical" "statesmix compress -6 FILE"
closing qmc-sample "laid out $(wc -l <demo-out/design.csv) cache sizes evenly" "qmc-sample points sobol -d 4 -n 1024 -o points.npy"
closing gen-bench "judged two agents on $(grep -c '"task_id"' demo-out/oracle.jsonl) tasks: $(strict oracle) % and $(strict stale-trust) % solved" "gen-bench generate --family conflict17 -n 100"
closing kv-sim "$(jq -s 'map(select(.policy)) | length' demo-out/hits.jsonl) caches over $(jq -s 'map(select(.policy))[0].blocks' demo-out/hits.jsonl) block references" "kv-sim cache --policy lru,belady --capacity 10% TRACE"
