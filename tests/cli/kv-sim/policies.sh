# Policies of the literature by the command line: KVFlow beside LRU, Belady with bypass, FastSwitch's
# priorities, semi-PD, admission, block decoding, and a published config.json as the model.
turn() { printf '{"t":%s,"in":%s,"out":2,"block":4,"scope":"global","session":"s","agent":"%s","hash_ids":[%s]%s}\n' "$@"; }
{
  turn 0 4 a 1
  turn 1 4 b 2 ',"steps":{"c":1,"a":2}'
  turn 2 4 c 3
  turn 3 5 a 1
} >agents.jsonl
kv-sim cache --no-frame --policy lru,kvflow,kvflow-oracle,kvflow-learned --capacity 2blk agents.jsonl
kv-sim cache --no-frame --policy lru,belady --bypass --capacity 1blk agents.jsonl
kv-sim cache --no-frame --mode flat --policy fifo,belady --bypass --capacity 1blk agents.jsonl
kv-sim cache --policy lfu --bypass --capacity 1blk agents.jsonl
echo "exit $?"
cat >run.json <<'JSON'
{"trace":{"file":"agents.jsonl"},"cost":{"kind":"linear","a":"10ms","b":"0.1ms","c":"1ms","d":"0ms"},
 "model":{"layers":10,"kv_bytes_per_token":1000000},"batch":{"block":4},
 "cache":{"tiers":[{"name":"gpu","size":"3blk"}]}}
JSON
show() { kv-sim run --config run.json "$@" | jq -c '[.requests,.rejected,.makespan_s,.hit_ratio.tokens.gpu,.retention]'; }
show
show --set 'retention={"kind":"kvflow"}'
show --exact-steps --set 'retention={"kind":"kvflow"}'
show --set 'retention={"kind":"kvflow-learned","hold":2,"ahead":1}'
show --set layout=semi-pd --set 'semi_pd={"x":0.5,"y":0.5}'
show --exact-steps --set layout=semi-pd --set 'semi_pd={"x":0.5,"y":0.5}'
show --set admission=slo --set 'slo={"ttft":"10ms"}'
show --set decode=block:2
kv-sim run --config run.json --set decode=block:0
echo "exit $?"
kv-sim run --config run.json --set 'preempt={"kind":"recompute","freq":0.02}'
echo "exit $?"
cat >config.json <<'JSON'
{"num_hidden_layers":80,"hidden_size":8192,"num_attention_heads":64,"num_key_value_heads":8,
 "intermediate_size":28672,"vocab_size":128256,"torch_dtype":"bfloat16"}
JSON
kv-sim run --config run.json --model-config config.json --json=out.json -o summary.json &&
  jq -c '.options_sha256 | length' out.json
kv-sim cache --no-frame --no-bound --policy lru --capacity 3MiB --model-config config.json agents.jsonl
echo '{"num_hidden_layers":27,"hidden_size":2048,"num_attention_heads":16,"kv_lora_rank":512,"qk_rope_head_dim":64,"vocab_size":102400}' >mla.json
kv-sim cache --no-frame --no-bound --policy lru --capacity 124416B --model-config mla.json agents.jsonl
echo '{}' >empty.json
kv-sim run --config run.json --model-config empty.json
echo "exit $?"
