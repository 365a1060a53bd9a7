# A suite with planted faults: all found, none invented.
row() { printf '{"id":"%s","title":"%s","start":"2026-03-10T09:00Z"%s}' "$1" "$2" "$3"; }
world='{"tables":{"events":{"fields":{"title":"text","start":"datetime"}}},"verbs":[{"name":"list","out":"{$.events}"},{"name":"add","out":"{new.id}","params":[{"flag":"--title","type":"text","role":"grounded"}],"effects":[{"op":"insert","table":"events","set":{"title":"{--title}","start":"2026-03-10T09:00Z"}}]},{"name":"drop","out":"ok","params":[{"flag":"--id","type":"text","role":"key"}],"effects":[{"op":"delete","table":"events","key":"{--id}"}]}]}'
# task NAME OVERLAY CONTRACT REFERENCE
task() { printf '{"task_id":"%s","world":%s,"init":{"overlay":{"events":[%s]}},"contract":%s,"reference":[%s]}\n' "$1" "$world" "$2" "$3" "$4"; }
b='{"title":"B","start":"2026-03-10T09:00Z"}'
good="{\"require\":[{\"table\":\"events\",\"match\":$b,\"count\":{\"eq\":1}}],\"frame\":{\"allow\":[{\"table\":\"events\",\"op\":\"insert\",\"match\":$b}]}}"
{
  task good "$(row a A ',"_kind":"partial"')" "$good" '["add --title B"]'
  task idle "$(row a A ',"_kind":"complete"')" '{"require":[{"table":"events","match":{"title":"A"}}]}' '["list"]'
  task broken "$(row a A ',"_kind":"partial"')" "$good" '["add --title C"]'
  task counting "$(row a A '')" '{"require":[{"table":"events","count":{"eq":2}}],"frame":{"default":"allow"}}' '["add --title B"]'
} >suite.jsonl
gen-bench audit suite.jsonl --json | jq -c '[.tasks,.noop_pass,.reference_rejected,.count_only,.clean_share,(.kill_rate < 1)]'
head -1 suite.jsonl >one.jsonl
gen-bench audit one.jsonl --json | jq -c '[.noop_pass,.noop_partial,.reference_rejected,.count_only,.clean_share,.killed == .mutants,.mutants > 0]'
gen-bench generate --family conflict17 -n 8 --quiet -o own
gen-bench audit own --json | jq -c '[.noop_pass,.noop_partial,.reference_rejected,.count_only,.clean_share,.kill_rate]'
# tau2: reads alone pass idle agents, facts to tell do not, kinds that nobody gives stay unknown.
cat >tasks.json <<'T'
[{"id":"0","evaluation_criteria":{"actions":[{"name":"get_user","arguments":{"id":"u"}}],"communicate_info":[],"reward_basis":["DB","COMMUNICATE"]}},
 {"id":"1","evaluation_criteria":{"actions":[{"name":"get_user","arguments":{"id":"u"}}],"communicate_info":["4"],"reward_basis":["DB","COMMUNICATE"]}},
 {"id":"2","evaluation_criteria":{"actions":[{"name":"cancel","arguments":{"id":"r"}}],"communicate_info":[],"reward_basis":["DB"]}}]
T
printf '    @is_tool(ToolType.READ)\n    def get_user(self, id):\n    @is_tool(ToolType.WRITE)\n    def cancel(self, id):\n' >tools.py
gen-bench audit tasks.json --tools tools.py --json | jq -c '[.tasks,.noop_pass,.noop_partial,.reference_rejected,.kill_rate]'
gen-bench audit tasks.json --json | jq -c '.noop_pass'
# A judge behind a command; this one takes any plan that cancels.
cat >judge.sh <<'J'
#!/bin/sh
echo noise
if grep -q '"cancel"'; then echo 1; else echo 0; fi
J
chmod +x judge.sh
gen-bench audit tasks.json --tools tools.py --judge-cmd ./judge.sh --json | jq -c '[.noop_pass,.reference_rejected,.mutants,.killed]'
gen-bench audit tasks.json --judge-cmd 'echo nonsense' --json; echo $?
gen-bench export --to harbor suite own --quiet
gen-bench audit suite --json | jq -c '[.tasks,.noop_pass,.kill_rate]'
