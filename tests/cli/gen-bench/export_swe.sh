# Programs as SWE instances: branches of a bundle, patches that apply, tests with our verdicts.
command -v git >/dev/null && command -v jq >/dev/null || exit 77
gen-bench generate --family contracts -n 2 --quiet --no-frame -o code
gen-bench generate --family mpi -n 1 --quiet --no-frame >>code
gen-bench generate --family par -n 2 --quiet --no-frame >>code
gen-bench export --to swe suite code --selftest --quiet --json=summary.json
echo "swe $? $(jq -c '[.tasks, .refused, .runs == 12 * .tasks, .passed >= .tasks, .differences]' summary.json)"
ls suite
jq -c '[(.base_commit|length), .FAIL_TO_PASS, (.patch|length > 50), has("canary")]' suite/instances.jsonl
jq -r .problem_statement suite/instances.jsonl | grep -c 'int pre('
gen-bench export --to swe again code --quiet && cmp suite/instances.jsonl again/instances.jsonl
id=$(jq -r .instance_id suite/instances.jsonl | head -1)
git clone -q -b "$id" suite/repos.bundle work && ls work && grep -c . work/solution.c
# The hidden half is in the test patch alone.
grep -l '"solution"' -r work
gen-bench generate --family conflict17 -n 2 --quiet | gen-bench export --to swe none --quiet --json=summary.json -
jq -c '[.tasks, .refused]' summary.json
