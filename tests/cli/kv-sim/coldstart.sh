# Three calls of one function by hand, pods' utility, and generated requests that repeat.
printf 't,function,trigger,exec_s\n0,f,http,1\n30,f,http,1\n100,f,http,1\n' >calls
kv-sim coldstart --cold 2s calls | jq -c '.policies[] | [.policy, .pool, .cold, .pods, .idle_s, .utility]'
kv-sim coldstart --cold 2s --policy fixed:60s --pool 0,1 - <calls | jq -c '.policies[] | [.pool, .cold, .pool_hits]'
printf '{"start":0,"end":100,"cold_s":10}\n{"start":0,"end":65,"cold_s":10}\n' >pods
kv-sim coldstart --pods pods
kv-sim coldstart --generate 2000 --functions 20 --seed 5 >one
kv-sim coldstart --generate 2000 --functions 20 --seed 5 --threads 3 | cmp - one
jq -c '.generators, (.policies[] | [.policy, .requests, .cold > 0, .cold_share < 1])' one
kv-sim coldstart --policy never calls
echo "exit $?"
kv-sim coldstart --generate 5 calls
echo "exit $?"
printf 't,function,trigger,exec_s\n5,f,http,1\n1,f,http,1\n' | kv-sim coldstart
echo "exit $?"
printf 't,function,trigger,exec_s\n5,f,http,-1\n' | kv-sim coldstart
echo "exit $?"
kv-sim coldstart --pods pods --pool -1 calls
echo "exit $?"
