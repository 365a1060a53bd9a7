# shellcheck shell=bash
tasks=$(torture_make tasks.jsonl "gen-bench generate --family conflict17 -n 4 --seed 3 -o @OUT@")
torture_case generate writer 'gen-bench generate --family conflict17 -n 4 --seed 3 -o @OUT@'
torture_case generate-pipe filter 'gen-bench generate --family conflict17 -n 4 --seed 3'
torture_case run writer 'gen-bench run --agent builtin:oracle @IN@ -o @OUT@' in="$tasks" cut=framed
torture_case run-pipe filter '<@IN@ gen-bench run --agent builtin:oracle -' in="$tasks" cut=framed
trials=$(torture_make trials.jsonl "gen-bench run --agent builtin:oracle $tasks -o @OUT@")
torture_case score writer 'gen-bench score @IN@ -o @OUT@' in="$trials" cut=framed
torture_case report writer 'gen-bench report @IN@ --html @OUT@' in="$trials"
torture_case merge writer 'gen-bench merge @IN@ -o @OUT@' in="$tasks" cut=framed
