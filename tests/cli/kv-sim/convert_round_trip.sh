for file in mooncake_2000.jsonl.zst agent_sessions.jsonl.zst kv-cache-tester_trace_0187.json burstgpt_head.csv; do
  kv-sim convert --session-arrival fixed:30 "$TESTDATA/kv-sim/$file" -o once.jsonl -q
  kv-sim convert --quiet once.jsonl -o twice.jsonl
  grep -v '"end":true' once.jsonl >a
  grep -v '"end":true' twice.jsonl | cmp - a && echo "same $file"
done
# A stream that was cut off is refused.
head -n 5 once.jsonl | grep -v '"end"' | kv-sim stat
echo "exit $?"
