kv-sim mrc --points 8 "$TESTDATA/kv-sim/mooncake_2000.jsonl.zst"
kv-sim mrc --no-frame --policy sieve --capacity 100blk,10% "$TESTDATA/kv-sim/mooncake_2000.jsonl.zst"
kv-sim mrc "$TESTDATA/kv-sim/azure2023_head.csv"
