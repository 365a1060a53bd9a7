# Streams: the longer of reading and writing instead of their sum, the same bytes of both loops.
head -30 "$TESTDATA/kv-sim/mooncake_head.jsonl" >trace
echo '{"trace":{"file":"trace"},"cost":{"kind":"linear","a":"10ms","b":"10us","c":"1ms"},"batch":{"max_tokens":256}}' >c.json
echo '{"t":0,"in":1000,"out":50}' >one.jsonl
for streams in false true; do
  kv-sim run --config c.json --no-frame --set streams=$streams --requests fast >one
  kv-sim run --config c.json --no-frame --set streams=$streams --requests plain --exact-steps | cmp - one
  cmp fast plain
  jq -c .ttft.mean one
  kv-sim run --config c.json --set streams=$streams --set trace.file=one.jsonl | jq .jct.mean
done
kv-sim run --config c.json --set streams=true --set batch.chunked=false
echo "exit $?"
kv-sim run --config c.json --set streams=1
echo "exit $?"
