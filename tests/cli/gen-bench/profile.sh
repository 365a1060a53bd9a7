# The default profile: 362 tasks, nothing but true twins, every mutant killed.
gen-bench generate --family conflict17 --quiet --report report.json -o tasks.jsonl
jq -c '{emitted, kill_rate}' report.json
grep -c '"task_id"' tasks.jsonl
gen-bench validate tasks.jsonl --quiet --no-frame -o again.jsonl && echo valid
