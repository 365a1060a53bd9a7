# Oracle passes, shortcuts and idling do not.
gen-bench generate --family conflict17 -n 36 --quiet -o tasks.jsonl
for agent in oracle inspect-first noop blind; do
  gen-bench run --agent builtin:$agent tasks.jsonl | gen-bench score --no-frame - |
    jq -c 'select(.group=="all")|[.agent,.strict]'
done
