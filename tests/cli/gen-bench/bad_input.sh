gen-bench generate --family nothing; echo $?
gen-bench run --agent builtin:wizard /dev/null; echo $?
printf '{"gb":1,"pack":"x",\n"worlds":{}}' >bad.json
gen-bench generate --pack bad.json; echo $?
printf '{"init":{},"contract":{"require":[{"table":"t","op":1}]}}\n' >task.json
echo '{}' >s.json
gen-bench judge --task task.json --state s.json; echo $?
