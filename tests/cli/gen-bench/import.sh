# Imported machines: known facts, tasks with known lengths, and what is refused.
D=$TESTDATA/gen-bench
for ring in ring_4_3 ring_8_4 ring_16_4; do
  gen-bench import --from autowebworld "$D/fsm/$ring.json" -o "$ring.json" --json=facts.json
  jq -c '[.states,.shortest_goal_steps]' facts.json
done
gen-bench generate --pack ring_8_4.json --quiet --no-frame -o ring.jsonl
jq -c '[.optimal_steps,.search.states,.validation.ok,.validation.killed>=40]' ring.jsonl
gen-bench run --agent builtin:oracle ring.jsonl --no-frame | jq .verdict.strict
gen-bench solve ring.jsonl --all-shortest 3 --no-frame | jq '.reference|length'
for dot in tomita_4 TCP_Linux_Client; do
  gen-bench import --from dot "$D/dot/$dot.dot" -o "$dot.json" --json=facts.json
  jq -cS "del(.tool,.version,.seed,.threads,.isa,.gpu,.wall_s,.cpu_s,.peak_rss)==($(jq -cS ".\"$dot.dot\"" "$D/dot/expected.json"))" facts.json
done
gen-bench import --from abbadingo "$D/dfa/d32.train" -o d32.json
gen-bench generate --pack d32.json -n 2 --quiet --no-validate --no-frame | jq -c .family
printf 'digraph g {\na -> b [label=x];\na -> c [label=x];\n}\n' >twice.dot
gen-bench import --from dot twice.dot
echo $?
