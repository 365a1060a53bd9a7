# An audit finds exactly what the store let through, and nothing when it is honest.
command -v sbus-check >/dev/null || exit 77
for bug in none ww xs blind; do
  gen-bench generate --family multiagent -n 5 | gen-bench run --agent builtin:scripted --bug $bug - |
    gen-bench trace --to sbus --expected want.json -o ops.jsonl
  sbus-check audit --summary ops.jsonl >found.jsonl
  jq -S 'del(.type)' want.json >want
  jq -S 'select(.type=="summary")|{ops,agents,shards,commits,rejected,ww,xs_commits,xs_pairs}' found.jsonl | cmp - want && echo $bug
done
# Information flow: a commit to a low key after a read of a high one fails, and only that.
gen-bench generate --family multiagent -n 2 --param bug=none --param flow=1 --quiet --no-frame -o flow
jq -c '[(.script._label|map_values(length > 2)|all), .contract]' flow | uniq
gen-bench run --agent builtin:scripted flow --no-frame | jq -c '[.verdict.strict, .verdict.clauses[0].holds, (.ops|map(select(.injected=="flow"))|length > 0)]'
jq -c '.script.steps=[[0,"get",0],[0,"commit",0],[0,"get",1],[0,"commit",1],[1,"get",1],[1,"commit",0]]' flow |
  gen-bench run --agent builtin:scripted - --no-frame | jq -c '[.verdict.strict, .verdict.clauses[0].holds]' | uniq
jq -c '.script.steps=[[0,"get",0],[0,"get",1],[0,"commit",1]]' flow |
  gen-bench run --agent builtin:scripted - --no-frame | jq -c '[.verdict.strict, .verdict.clauses[0].holds]' | uniq
