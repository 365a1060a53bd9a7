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
torture_case solve writer 'gen-bench solve @IN@ -o @OUT@' in="$tasks" cut=framed
torture_case validate writer 'gen-bench validate @IN@ -o @OUT@' in="$tasks" cut=framed
torture_case trace writer 'gen-bench trace --to kv @IN@ -o @OUT@' in="$trials" cut=framed
torture_case export folder 'gen-bench export --to inspect @OUT@ @IN@' in="$tasks" cut=framed once
machine=$(torture_make machine.dot 'printf "digraph g { s0 -> s1 [label=\"a / x\"]; s1 -> s0 [label=\"a / y\"]; }\n" >@OUT@')
torture_case import writer 'gen-bench import --from dot @IN@ -o @OUT@' in="$machine"
strings=$(torture_make strings.txt 'printf "5 2\n1 2 0 1\n1 1 0\n0 1 1\n0 0\n1 3 0 1 0\n" >@OUT@')
torture_case learn writer 'gen-bench learn fit --score edsm @IN@ -o @OUT@' in="$strings"
one=$(torture_make one.json "gen-bench generate --family conflict17 -n 2 --seed 3 --no-frame --quiet | head -n 1 >@OUT@")
states=$(torture_make states "gen-bench run --agent builtin:oracle $one --no-frame --keep-states @OUT@ >/dev/null")
state=$(find "$states" -name '*.state.json')
torture_case judge writer "gen-bench judge --task $one --state @IN@ -o @OUT@" in="$state" cut=framed
torture_case judge-pipe filter "gen-bench judge --task $one --state @IN@" in="$state" cut=framed
torture_case compare writer "gen-bench compare $trials @IN@ -o @OUT@" in="$trials" cut=framed
torture_case gate writer 'gen-bench gate --base builtin:oracle --cand builtin:noop @IN@ -o @OUT@' in="$tasks" cut=framed
nothing=$(torture_make nothing 'mkdir @OUT@')
torture_case new folder 'gen-bench new @OUT@ --template fsm' given="$nothing" once
torture_case audit writer 'gen-bench audit @IN@ --from gb -o @OUT@' in="$tasks" cut=framed
