trace=$TESTDATA/kv-sim/mooncake_2000.jsonl.zst
try() { kv-sim cache "$@"; echo "exit $?"; }
try --policy lru --capacity 100 "$trace"
try --policy lru --capacity 40GiB "$trace"
try --policy sieve --capacity 10% "$trace"
try --mode flat --policy ttl:2s --capacity 10% "$trace"
try --policy lru --capacity 1tok "$trace"
try --policy lru --capacity 10blk "$TESTDATA/kv-sim/azure2023_head.csv"
try --policy lru --capacity 10blk "$TESTDATA/kv-sim/agent_sessions.jsonl.zst"
try --policy lru --capacity 10blk --model gpt-2 "$trace"
try --policy lru --capacity 10blk missing.jsonl
printf '' | try --policy lru --capacity 10blk
printf '{"in":2,"out":1,"block":1,"hash_ids":[1,2]}\n{"in":2,"out":1,"block":1,"hash_ids":[3,2]}\n' >law.jsonl
try --policy lru --capacity 10blk law.jsonl
try --policy lru --capacity 10blk --lenient --no-frame law.jsonl
