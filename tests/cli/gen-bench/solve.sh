# All algorithms find plans of the same length; a goal out of reach is told from a limit.
gen-bench import --from autowebworld "$TESTDATA/gen-bench/fsm/ring_8_4.json" -o ring.json
gen-bench generate --pack ring.json --no-validate --quiet --no-frame -o task.jsonl
for algo in bfs bibfs astar; do
  gen-bench solve --algo $algo --no-frame task.jsonl | jq -c '[.optimal_steps,(.reference[0]|length)]'
done
gen-bench solve --no-frame task.jsonl -o once
gen-bench solve --no-frame task.jsonl | cmp - once
gen-bench solve --max-states 100 --no-frame --quiet task.jsonl >/dev/null
echo $?
jq -c '.contract.require+=[{"id":"never","config":"page","match":{"value":"P1"}}]' task.jsonl >never.jsonl
gen-bench solve --no-frame --quiet never.jsonl >/dev/null
echo $?
