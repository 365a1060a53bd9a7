#!/usr/bin/env bash
# Draws the pictures of README.md with the tools themselves: figures.sh [FOLDER]
#
# Inputs are in testdata/ and man/figures/ and every seed is fixed: the same pictures each time, in
# man/figures unless FOLDER is given. The tools are taken from PATH or from the release build.
set -eu
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"
out=$(realpath -m "${1:-$root/man/figures}")
export PATH="$PATH:$root/build/release/bin" LC_ALL=C
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Which cache policy, how much memory: a real trace, beside what no policy can beat.
kv-sim cache -q --policy lru,fifo,lfu --capacity 500blk,1000blk,2000blk,4000blk,8000blk,16000blk \
  "$root/testdata/kv-sim/mooncake_2000.jsonl.zst" -o caches.jsonl
kv-sim plot -q caches.jsonl -o "$out/kv-sim.svg"

# How agents of four kinds fare on tasks in which what they are told is in part stale or wrong.
gen-bench generate -q --family conflict17 -n 60 --seed 7 -o tasks.jsonl
for agent in oracle inspect-first stale-trust blind; do
  gen-bench run -q --agent builtin:$agent tasks.jsonl -o "$agent.jsonl"
done
cat oracle.jsonl inspect-first.jsonl stale-trust.jsonl blind.jsonl | gen-bench report -q --svg "$out/gen-bench.svg" - >scores.txt

# Who overwrote whom: the first of the lost updates that a broken commit check let through.
gen-bench generate -q --family multiagent -n 4 --seed 7 | gen-bench run -q --agent builtin:oracle --bug ww - |
  gen-bench trace -q --to sbus | sbus-check audit -q --svg "$out/sbus-check.svg" -o violations.jsonl - || [ $? -eq 1 ]

# What a copy in eight bits loses, tensor by tensor.
model=$root/testdata/ckpt-convert/sharded-safetensors-bf16
ckpt-convert convert -q "$model" small.safetensors --dtype f8_e4m3
ckpt-convert convert -q small.safetensors back.safetensors --dtype bf16
ckpt-convert diff -q "$model" back.safetensors --svg "$out/ckpt-convert.svg" -o differences.jsonl || [ $? -eq 1 ]

# How small against how long: points that scripts/bench.sh measured, see man/figures/statesmix.md.
statesmix plot -q --title "enwik8, first 1,000,000 bytes" -o "$out/statesmix.svg" "$root/man/figures/statesmix.jsonl"

# How fast the error of an integral falls with the number of points.
"$root/scripts/qmc-convergence" --only product --levels 14 --replications 100 convergence >slopes.txt
mv convergence/product.svg "$out/qmc-sample.svg"
ls -l "$out"
