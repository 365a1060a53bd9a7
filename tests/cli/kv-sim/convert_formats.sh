for file in azure2023_head.csv burstgpt_head.csv splitwise_trace.csv vllm.log sglang.log \
  kv-cache-tester_trace_0504.json mooncake_head.jsonl; do
  echo "# $file"
  kv-sim convert --limit 3 "$TESTDATA/kv-sim/$file"
done
