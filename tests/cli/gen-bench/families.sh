# Each family: emitted tasks are validated, the oracle passes, idling does not.
for family in contracts fsm knapsack listops mpi par paradox pdfa; do
  gen-bench generate --family $family -n 9 --quiet -o $family.jsonl
  echo "$family $(grep '"task_id"' $family.jsonl | jq -s -c '[length > 5, (map(.validation.ok)|all), (map(.validation.killed >= 40)|all)]')"
  for agent in oracle noop; do
    gen-bench run --agent builtin:$agent $family.jsonl | gen-bench score --no-frame - | jq -c 'select(.group=="all")|[.agent,.strict]'
  done
done
D=$TESTDATA/gen-bench/vectors
jq -c '.[]|. + {gb:1,task_id:.id,family:"routing"}' "$D/tool_routing.json" >routing.jsonl
gen-bench run --agent builtin:router routing.jsonl --no-frame | jq -s -c '[(map(.verdict.strict)|all), (map(.routing.reroutes)|add), (map(.routing.llm_calls)|add), (map(.routing.silent_failures)|add)]'
gen-bench run --agent builtin:static routing.jsonl --no-frame | jq -s -c 'map(.routing.silent_failures)|add > 0'
gen-bench run --agent builtin:oracle "$D/knapsack.jsonl" --no-frame | jq -c .scores.quality | sort | uniq -c | tr -s ' '
gen-bench generate --family routing -n 6 --quiet --no-frame | gen-bench run --agent builtin:router - --no-frame | jq .verdict.strict | uniq
gen-bench generate --family routing -n 12 --quiet --no-frame -o routes --report routes.json
jq -s -c '[length > 3, (map(.validation.ok)|all), (map(.validation.killed >= 40)|all), (map(.validation.shortcuts.blind)|any)]' routes
jq -c '[.kill_rate, (.rejected|map(.why)|unique)]' routes.json
gen-bench run --agent builtin:static routes --no-frame | jq .verdict.strict | uniq
gen-bench validate routes --no-frame | cmp - routes
jq -c '.expected.cost += 1' routes | gen-bench validate - --quiet --no-frame --keep-bad | jq -c .validation.why | sort | uniq
gen-bench generate --family probe -n 3 --quiet --no-frame -o probe.jsonl
jq -c '[.validation.ok,.validation.killed>=40]' probe.jsonl
head -1 probe.jsonl >one.jsonl
jq -c '.sequence[]' one.jsonl >sequence.jsonl
gen-bench judge --task one.jsonl --state sequence.jsonl | jq .strict
tac sequence.jsonl >turned.jsonl
gen-bench judge --task one.jsonl --state turned.jsonl | jq -c '[.clauses[]|select(.holds|not)|.id]'
# Notes outlive a step, unless the runtime is reset.
gen-bench generate --family knapsack -n 1 --quiet --no-frame -o bag
jq -c '{task_id, commands: ["let a 5", "get a", "finish"]}' bag >notes
for runtime in persistent reset; do
  gen-bench run --agent replay:notes --runtime $runtime --keep-output --no-frame bag | jq -c '[.steps[]|[.exit,.stdout]]'
done
