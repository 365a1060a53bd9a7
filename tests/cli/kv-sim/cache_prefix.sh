kv-sim cache --policy lru,fifo,lfu,belady --capacity 1000blk,5% "$TESTDATA/kv-sim/mooncake_2000.jsonl.zst"
