# Exported tasks give our verdicts, their own scripts run by a real shell; contracts stay private.
gen-bench generate --family conflict17 -n 2 --quiet -o tasks
for form in harbor terminal-bench inspect tau2; do
  gen-bench export --to $form out.$form tasks --selftest --quiet --json=summary.json
  echo "$form $? $(jq -c '[.tasks, .refused, .runs >= 12 * .tasks, .passed > 0, .differences]' summary.json)"
done
cd out.harbor || exit 1
id=$(ls | grep gb- | head -1)
(cd "$id" && find . -type f | LC_ALL=C sort)
grep -l '"require"' "$id"/environment/*[!h] "$id"/*.* "$id"/solution/*
grep -c _kind "$id"/environment/world.json
cmp "$id"/environment/gen-bench "$(command -v gen-bench)"
sed -n 1,3p "$id"/task.toml
cd ..
gen-bench export --to harbor out.harbor tasks; echo $?
mkdir e && ln -s /tmp e/link && gen-bench export --to harbor e/link tasks; echo $?
printf '{"task_id":"../x","init":{},"contract":{},"world":{"tables":{},"verbs":[]},"reference":[[]]}\n' >evil
gen-bench export --to harbor e/out evil; echo $?
ls e
