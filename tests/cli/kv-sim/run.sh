# Two requests by hand (design section 10): both loops, and errors of configurations.
printf '{"t":0,"in":100,"out":3}\n{"t":0.005,"in":200,"out":2}\n' >two.jsonl
cat >two.json <<'JSON'
{"trace":{"file":"two.jsonl"},"cost":{"kind":"linear","a":"10ms","b":"0.1ms","c":"1ms","d":"0ms"},
 "batch":{"max_tokens":512},"slo":{"ttft":"30ms"}}
JSON
kv-sim run --config two.json --requests - --no-frame -o summary.json
cat summary.json
kv-sim run --config two.json --exact-steps -o exact.json && cmp summary.json exact.json && echo same
kv-sim run --config two.json --set batch.max_tokens=128 --iterations - --no-frame -o chunked.json
kv-sim run --config two.json --set batch.max_token=128
echo "exit $?"
kv-sim run --config two.json --set preempt=swap
echo "exit $?"
kv-sim run --config two.json --set 'cache.tiers=[{"size":"40"}]'
echo "exit $?"
printf '{"batch.max_tokens":128}\n{"batch.max_tokens":512}\n' >points.jsonl
kv-sim sweep --config two.json --points points.jsonl --no-frame --threads 1 --objective 'e2e.max' >one
kv-sim sweep --config two.json --points points.jsonl --no-frame --threads 7 --objective 'e2e.max' >seven
cmp one seven && jq -c '[.point,.params,.objective,.slo_attainment]' one
for i in 0 1; do
  kv-sim sweep --config two.json --points points.jsonl --no-frame --slice $i/2 --objective e2e.max
done | cmp - one && echo slices
kv-sim sweep --config two.json --points points.jsonl --table --attain 0.5 --objective 'e2e.max'
kv-sim sweep --config two.json --points points.jsonl --objective 'e2e.p98'
echo "exit $?"
