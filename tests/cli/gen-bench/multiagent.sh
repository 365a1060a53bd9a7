# An audit finds exactly what the store let through, and nothing when it is honest.
command -v sbus-check >/dev/null || exit 77
for bug in none ww xs blind; do
  gen-bench generate --family multiagent -n 5 | gen-bench run --agent builtin:scripted --bug $bug - |
    gen-bench trace --to sbus --expected want.json -o ops.jsonl
  sbus-check audit --summary ops.jsonl >found.jsonl
  jq -S 'del(.type)' want.json >want
  jq -S 'select(.type=="summary")|{ops,agents,shards,commits,rejected,ww,xs_commits,xs_pairs}' found.jsonl | cmp - want && echo $bug
done
