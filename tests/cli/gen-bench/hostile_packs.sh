# Packs, tasks and trials from hostile hands: one line and the right exit code, or they do no harm.
refused() { # NAME: the pack on stdin must be an input error
  cat >"$1.json"
  gen-bench generate --pack "$1.json" -n 1 --quiet >/dev/null 2>err
  echo "$1 $? $(wc -l <err) $(tail -1 err | cut -c1-160)"
}
world='"gb":1,"pack":"p","version":"1","world":{"tables":{"t":{"fields":{"v":"text"}}},"verbs":[{"name":"list","out":"{$.t}"},
 {"name":"put","params":[{"flag":"--v","type":"text","role":"grounded"}],"effects":[{"op":"insert","table":"t","set":{"v":"{--v}"}}]}]}'
printf '' | refused empty
echo '{}' | refused object
echo '[]' | refused array
echo "{$world,\"scenarios\":[{\"slug\":\"s\",\"slug\":\"t\"}]}" | refused doubled
echo "{$world,\"scenarios\":[],\"base\":{\"t\":[{\"id\":1e400}]}}" | refused infinite
echo "{$world,\"scenarios\":[],\"surprise\":1}" | refused unknown
echo "{$world,\"scenarios\":[{\"slug\":\"s\",\"ability\":\"a\",\"count\":99999999999999999999999,\"instruction\":\"x\",\"contract\":{}}]}" | refused huge
printf '{%s,"scenarios":[],"base":{"t":[{"id":"\xff\xfe"}]}}' "$world" | refused utf8
{ printf '{"gb":'; head -c 200000 /dev/zero | tr '\0' '['; } | refused deep
{ printf '{"gb":1,"pack":"'; head -c 70000000 /dev/zero | tr '\0' 'x'; printf '"}'; } | refused long
# A guard that waits for what its own verb brings: nothing can be done, so nothing is emitted.
scenario='"ability":"a","count":1,"contract":{"require":[{"id":"r","table":"t","match":{"v":"go"}}],"frame":{"default":"deny","allow":[{"table":"t","op":"insert"}]}}'
echo "{$world,\"scenarios\":[{\"slug\":\"s\",\"instruction\":\"Put go.\",$scenario}]}" |
  jq -c '.world.verbs[1].guard=[{path:"$.t[gate]",cond:"exists"}]' >cycle.json
gen-bench generate --pack cycle.json --no-frame --report report.json; echo "cycle $? $(jq -c '[.emitted,.rejected[0].why]' report.json)"
gen-bench generate --pack cycle.json --no-frame --no-validate >task; gen-bench solve task >/dev/null; echo "unsolvable $?"
# Quotes, newlines and shell signs in slots reach the world as they are, and no shell.
echo "{$world,\"slots\":{\"x\":{\"from\":[\"it's \\\"\$(touch /tmp/never)\\\"\\n\`id\`; rm -rf {{}\"]}},
 \"scenarios\":[{\"slug\":\"s\",\"instruction\":\"Put {x}.\",$scenario}]}" | sed 's/"v":"go"/"v":"{x}"/' >quotes.json
gen-bench generate --pack quotes.json --no-frame --no-validate -n 1 | gen-bench solve --no-frame - >quoted
gen-bench run --agent builtin:oracle quoted --no-frame | jq -c '[.verdict.strict, (.steps[-1].cmd|contains("\n"))]'
gen-bench export --to harbor out quoted --selftest --quiet; echo "export $?"; ls /tmp/never 2>/dev/null
# An instruction of no length is a task still; a leap day is a day; a state cannot name two rows alike.
echo '{"task_id":"z","instruction":"","init":{},"contract":{"require":[{"table":"t","match":{"d":"2028-02-29T23:30-01:00"}}]}}' >zero.json
echo '{"t":[{"id":"a","d":"2028-03-01T00:30Z"}]}' >leap
gen-bench judge --task zero.json --state leap | jq -c '[.strict, .clauses[0].holds]'
echo '{"t":[{"id":"a"},{"id":"a"}]}' >twice
gen-bench judge --task zero.json --state twice; echo "twice $?"
echo '{"t":[{"id":"a","d":"2028-02-30T00:30Z"}]}' >never
gen-bench judge --task zero.json --state never | jq .clauses[0].holds
# Names that would steer a terminal or end a page's markup stay text.
printf '{"task_id":"t","agent":"\\u001b[31mred</script><b>","verdict":{"strict":true},"scores":{"progress":1,"partial":1,"partial_plain":1}}\n' >trial
gen-bench score --no-frame trial >scores; gen-bench report --table --html page.html scores >table
grep -c "$(printf '\033')" table page.html
grep -c '</script><b>' page.html; true
