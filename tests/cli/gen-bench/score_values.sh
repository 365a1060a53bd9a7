# Value figures and an audit's violations as failure modes, from trials made by hand.
trial() { # agent strict cost ms
  jq -nc --arg a "$1" --argjson s "$2" --argjson c "$3" --argjson ms "$4" '{task_id:"t\($a)\($c)",agent:$a,trial:0,cost:$c,
    ability:"x",steps:[{i:1,cmd:"tasks list",exit:0,ms:$ms}],verdict:{strict:$s},end:"done",
    ops:[{agent:"worker-1",op:"get"}],scores:{progress:(if $s then 1 else 0 end),partial:0,partial_plain:0,efficiency:0}}'
}
{ trial m true 0.5 1000; trial m false 1.5 3000; } >trials
# 0.5 strict x 4 a task x 2 tasks / 2 spent; 0.5 x 20 s x 2 / 4 s.
gen-bench score --no-frame --human-cost 4 --human-time 20s trials | jq -c 'select(.group=="all")|[.return_on_automation,.time_multiplier]'
gen-bench score --no-frame trials | jq -c 'select(.group=="all")|[.return_on_automation,.time_multiplier]'
# A trial without a cost: no quotient is made up.
{ trial m true 0.5 1000 | jq -c 'del(.cost)'; trial m false 1.5 3000; } | gen-bench score --no-frame --human-cost 4 - | jq -c 'select(.group=="all")|.return_on_automation'
printf '%s\n' '{"type":"ww","agent":"worker-1","key":"k"}' '{"type":"xs","agent":"worker-1","key":"k"}' \
  '{"type":"ww","agent":"worker-1","key":"j"}' '{"type":"ww","agent":"stranger","key":"j"}' '{"type":"summary","ops":4}' >labels
gen-bench score --no-frame --labels labels trials | jq -c 'select(.group=="all")|.failures'
echo '{"type":7}' >bad
gen-bench score --labels bad trials
echo "exit $?"
gen-bench score --human-cost much trials
echo "exit $?"
