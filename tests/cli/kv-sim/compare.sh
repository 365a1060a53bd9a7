trace=$TESTDATA/kv-sim/mooncake_2000.jsonl.zst
kv-sim cache --policy lru --capacity 1000blk "$trace" -o a.jsonl
kv-sim cache --policy lfu --capacity 1000blk "$trace" -o b.jsonl
kv-sim compare a.jsonl a.jsonl
echo "exit $?"
kv-sim compare a.jsonl b.jsonl
echo "exit $?"
kv-sim compare a.jsonl b.jsonl --tol 0.5
echo "exit $?"
kv-sim compare a.jsonl b.jsonl --tol x
echo "exit $?"
