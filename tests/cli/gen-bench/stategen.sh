# Call sequences: twins, coverage counters per shard, the same bytes for any number of threads.
gen-bench generate --family stategen -n 12 --quiet --no-frame -o tasks.jsonl
jq -s -c '[length >= 6, (map(.validation.ok)|all), (map(.validation.twins==1)|all)]' tasks.jsonl
gen-bench run --agent builtin:oracle tasks.jsonl --no-frame | jq .verdict.strict | sort | uniq
gen-bench generate --family api -n 600 --quiet --no-frame --no-validate --threads 1 -o one
gen-bench generate --family stategen -n 600 --quiet --no-frame --no-validate --threads 3 | cmp - one
gen-bench generate --family stategen -n 12 --quiet --no-frame --no-validate | cmp - <(head -12 one) && echo prefix
gen-bench generate --family stategen -n 8 --param for-each=1 --quiet --no-frame --no-validate | grep -c 'for each entry'
