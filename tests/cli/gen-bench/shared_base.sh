# The state that all tasks start from, moved to a file: the same ids, and every command reads both
# forms alike. Of a shipped pack the file need not be named.
gen-bench generate --family conflict17 -n 4 --quiet --no-frame -o whole
gen-bench generate --family conflict17 -n 4 --quiet --no-frame --shared-base base.json -o shared
jq -r .task_id whole >ids
jq -r .task_id shared | cmp - ids && jq -r .init.base shared | uniq | cut -c1-64 >hash.txt
test "$(tr -d '\n' <base.json | sha256sum | cut -c1-64)" = "$(cat hash.txt)" && echo named
test "$(wc -c <shared)" -lt "$(wc -c <whole)" && echo smaller
for tasks in whole shared; do
  gen-bench run --agent builtin:oracle $tasks --no-frame >$tasks.trials
  gen-bench solve $tasks --no-frame | jq -c .reference >$tasks.plans
  gen-bench validate $tasks --no-frame --quiet | jq -c .validation >$tasks.checked
done
for what in trials plans checked; do cmp whole.$what shared.$what && echo "same $what"; done
# A pack of one's own: its base is named, or it is missed.
gen-bench new mine --quiet
gen-bench generate --pack mine/pack.json -n 2 --quiet --no-frame --shared-base own.json -o own
gen-bench run --agent builtin:oracle own --no-frame 2>&1 | grep -o 'no base has this hash.*'
gen-bench run --agent builtin:oracle own --shared-base own.json --no-frame | jq .verdict.strict | uniq
gen-bench generate --family listops -n 1 --shared-base x.json
