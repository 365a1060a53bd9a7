# A small model first: the same bytes of both loops, its share counted, records without an instance.
head -30 "$TESTDATA/kv-sim/mooncake_head.jsonl" >trace
echo '{"trace":{"file":"trace"},"cost":{"kind":"linear","a":"10ms","b":"10us","c":"1ms"},"funnel":{"share":0.4,"t_small":"1s"}}' >c.json
kv-sim run --config c.json --no-frame --requests fast >one
kv-sim run --config c.json --no-frame --requests plain --exact-steps | cmp - one
cmp fast plain
jq -c '[.requests, .answered]' one
jq -c 'select(.instance == null and .id) | [.e2e, .tpot, .prefilled]' fast | sort -u
kv-sim run --config c.json --set funnel.share=2
echo "exit $?"
kv-sim run --config c.json --set funnel.shares=1
echo "exit $?"
