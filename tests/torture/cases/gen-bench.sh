# shellcheck shell=bash
tasks=$(torture_make tasks.jsonl "gen-bench generate --family conflict17 -n 4 --seed 3 -o @OUT@")
torture_case generate writer 'gen-bench generate --family conflict17 -n 4 --seed 3 -o @OUT@'
torture_case generate-pipe filter 'gen-bench generate --family conflict17 -n 4 --seed 3'
torture_case run writer 'gen-bench run --agent builtin:oracle @IN@ -o @OUT@' in="$tasks" cut=framed
torture_case run-pipe filter '<@IN@ gen-bench run --agent builtin:oracle -' in="$tasks" cut=framed
