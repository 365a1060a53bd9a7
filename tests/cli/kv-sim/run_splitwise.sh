# splitwise-sim's test trace (design section 10).
cat >sw.json <<JSON
{"trace":{"file":"$TESTDATA/kv-sim/splitwise_trace.csv"},"model":"bloom-176b","router":"token-jsq",
 "fleet":[{"device":"dgx-h100"}]}
JSON
kv-sim run --compat splitwise --config sw.json --requests - --no-frame -o summary.json
jq -c '[.requests,.ttft.max,.tbt.max]' summary.json
