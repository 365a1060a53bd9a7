kv-sim stat "$TESTDATA/kv-sim/mooncake_2000.jsonl.zst"
kv-sim stat --session-arrival fixed:30 <"$TESTDATA/kv-sim/agent_sessions.jsonl.zst"
kv-sim stat "$TESTDATA/kv-sim/azure2023_head.csv"
