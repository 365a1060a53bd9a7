kv-sim cache --mode flat --policy lru,fifo,lfu,clock,sieve,s3fifo,arc,2q,slru,tinylfu,gdsf,random,belady \
  --capacity 1000blk --no-frame "$TESTDATA/kv-sim/mooncake_2000.jsonl.zst"
