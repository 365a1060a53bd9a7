kv-sim cache --policy lru,ttl:60s,continuum-fixed,belady --capacity 40GiB,10% --model llama3-8b \
  --session-arrival fixed:30 "$TESTDATA/kv-sim/agent_sessions.jsonl.zst"
