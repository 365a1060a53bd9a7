# McNemar on paired trials; the gate promotes what loses nothing.
gen-bench generate --family conflict17 -n 40 --quiet --no-frame -o tasks
gen-bench run --agent builtin:oracle tasks -o a
gen-bench run --agent builtin:flaky:0.2 tasks -o b
gen-bench compare a b --json | jq -c '[.b > 0, .c, .p < 0.2, .pairs, .unpaired]'
gen-bench compare a a --json | jq -c '[.b, .c, .p, .ci]'
gen-bench compare a a | tail -1
cat a b | grep '"task_id"' >twice
gen-bench compare twice b; echo $?
gen-bench gate --base builtin:flaky:0.2 --cand builtin:oracle tasks | jq -c '[.decision, .elsewhere.lost]'
gen-bench gate --base builtin:oracle --cand builtin:flaky:0.2 tasks | jq -c '[.decision, .elsewhere.p < 0.05]'
sed 's/"tags":\[/"tags":["must-pass",/' tasks | head -1 >must
gen-bench gate --base builtin:noop --cand builtin:blind must | jq -c '[.decision, (.must_pass.broken | length)]'
gen-bench gate --base builtin:noop --cand builtin:blind must >gate.json; echo $?
