# Agents over JSON Lines: right ones pass, others end as what they did; bundles play again.
command -v python3 >/dev/null || exit 77
gen-bench generate --family conflict17 -n 4 --quiet -o tasks
grep task_id tasks | jq -c '{task_id, plan: .reference[0]}' >plans
cat >agent.py <<'P'
import json, os, sys
mode = sys.argv[1]
plans = {}
for line in open('plans'):
    r = json.loads(line); plans[r['task_id']] = r['plan']
def say(m): print(json.dumps(m), flush=True)
todo = []
for line in sys.stdin:
    m = json.loads(line)
    if m['type'] == 'task':
        assert set(m['limits']) == {'steps', 'step_timeout_ms', 'output_bytes'} and m['v'] == 1
        assert 'role' not in line and 'contract' not in line
        todo = list(plans[m['task_id']])
    if mode == 'crash': sys.exit(3)
    if mode == 'garbage': print('\x1b[31mnot json', flush=True); sys.stdin.read(); break
    if mode == 'deaf':
        os.close(0)
        for c in todo: say({'type': 'action', 'command': c})
        say({'type': 'done'}); break
    if mode == 'sleep':
        import time; time.sleep(60)
    if mode == 'busy': say({'type': 'action', 'command': 'tasks list'}); continue
    if not todo: say({'type': 'done', 'answer': None, 'tokens': {'in': 7}, 'cost': 0.5}); continue
    c = todo.pop(0)
    if c.startswith('done'): say({'type': 'done', 'answer': json.loads(c[5:] or 'null'), 'cost': 0.5})
    else: say({'type': 'action', 'command': c})
P
show() { jq -c 'select(.task_id)|[.verdict.strict, .end, (.steps|length)]' "$1" | sort | uniq -c | sed 's/^ *//; s/,[0-9]*\]$/]/' | sort -u; }
gen-bench run --agent 'cmd:python3 agent.py right' --bundle bundles --keep-states states tasks -o trials && show trials
gen-bench run --agent 'cmd:python3 agent.py right' --persistent tasks -o again && cmp trials again 2>/dev/null || show again
for mode in crash garbage; do gen-bench run --quiet --agent "cmd:python3 agent.py $mode" tasks -o trials && show trials; done
gen-bench run --quiet --agent 'cmd:python3 agent.py sleep' --limit step_timeout_ms=300 tasks -o trials && show trials
gen-bench run --quiet --agent 'cmd:python3 agent.py busy' tasks -o trials && show trials
gen-bench run --quiet --agent 'cmd:python3 agent.py deaf' tasks -o trials && jq -r 'select(.task_id).end' trials | sort -u
gen-bench run --quiet --agent 'cmd:./nowhere' tasks -o trials && show trials
gen-bench score --no-frame trials | jq -c 'select(.group=="all")|[.trials,.errors,(.error_trials|length)]'
for b in bundles/*; do gen-bench run --replay "$b" tasks -o out || echo "$b differs"; done
sed 's/"exit":0/"exit":1/' "$(ls bundles/* | head -1)" >forged.json
gen-bench run --replay forged.json tasks 2>&1 | sed 's/.*sha256/sha256/'
id=$(ls states | head -1 | sed 's/\..*//')
grep "\"$id\"" tasks >task.json
gen-bench judge --task task.json --state "states/$id.0.state.json" --journal "states/$id.0.journal.jsonl" --answer "$(jq -c .trial.answer "bundles/$id.0.bundle.json")" | jq .strict
head -2 "states/$id.0.journal.jsonl" >cut.jsonl
gen-bench judge --task task.json --state "states/$id.0.state.json" --journal cut.jsonl; echo $?
