# A new pack is clean, makes validated tasks, and is found by name once installed.
gen-bench new mine --quiet
gen-bench lint mine/pack.json
gen-bench new mine; echo $?
gen-bench new bare --template empty --quiet && gen-bench lint bare/pack.json; echo $?
gen-bench new site --template fsm --quiet && gen-bench lint site/pack.json
gen-bench generate --pack site/pack.json --quiet --no-frame | jq -c '[.optimal_steps,.validation.ok]'
gen-bench generate --pack mine/pack.json -n 10 --quiet --report report.json -o tasks
jq -c '[.tasks, .kill_rate]' report.json
mkdir -p home/.local/share/stateutils/packs
cp mine/pack.json home/.local/share/stateutils/packs/visits.json
HOME=$PWD/home gen-bench generate --pack visits -n 10 --quiet | grep task_id >named
grep task_id tasks | cmp - named && echo same
gen-bench generate --pack nowhere -n 1; echo $?
for agent in oracle noop blind; do
  gen-bench run --agent builtin:$agent tasks | gen-bench score --no-frame - | jq -c 'select(.group=="all").strict'
done
