# Points of both forms, the choice as a table and a page, slices that concatenate, errors before a run.
command -v qmc-sample >/dev/null || exit 77
head -40 "$TESTDATA/kv-sim/mooncake_head.jsonl" >trace
echo '{"trace":{"file":"trace"},"cost":{"kind":"linear","a":"10ms","b":"10us","c":"1ms"},"slo":{"ttft":"12s"},"batch":{"block":512},
"model":{"layers":10,"kv_bytes_per_token":1000000},
"sweep":{"params":[{"path":"batch.max_tokens","lo":512,"hi":4096,"scale":"int"},{"path":"cache.tiers.gpu.size","lo":"60GB","hi":"120GB"},{"path":"scheduler","values":["fcfs","sjf"]}]}}' >c.json
sed -i 's/"batch":{"block":512}/"batch":{"block":512},"cache":{"tiers":[{"name":"gpu","size":"60GB"}]}/' c.json
qmc-sample points sobol -d 3 -n 8 --randomize lms+ds --seed 3 -q -o design.npy
kv-sim sweep --config c.json --points design.npy --threads 1 -o one
for n in 2 7; do kv-sim sweep --config c.json --points - --threads $n <design.npy | cmp - one; done
jq -c 'select(.point != null) | [.point, .params["scheduler"], .objective == .memory.kv_bytes]' one
for i in 0 1 2; do kv-sim sweep --config c.json --points design.npy --slice $i/3 --no-frame; done >slices
sed '1d;$d' one | cmp - slices
kv-sim sweep --config c.json --points design.npy --objective 'ttft.p99 * max(1, 2)' --attain 0.9 --table
printf '{"batch.max_tokens":512}\n{"batch.max_tokens":2048}\n' >points
kv-sim sweep --config c.json --points points --set slo.ttft=1ms --table
kv-sim sweep --config c.json --points points --attain 0.4 --max-rate --no-frame --no-bound | jq -c '[.point, .max_rate > 0, .bound, (.objective | type)]'
kv-sim sweep --config c.json --points design.npy --attain 0.9 --html page.html -o lines
cmp lines one
grep -c 'http\|src=\|url(\|<script' page.html
grep -o '<h[12]>[^<]*' page.html
kv-sim sweep --config c.json --points points --objective 'ttft.p99 +'
echo "exit $?"
kv-sim sweep --config c.json --points points --objective 'no.field'
echo "exit $?"
echo '{"batch.no_key":1}' | kv-sim sweep --config c.json --points -
echo "exit $?"
echo '{"batch.max_tokens":0}' | kv-sim sweep --config c.json --points -
echo "exit $?"
qmc-sample points sobol -d 2 -n 2 --seed 1 -q | kv-sim sweep --config c.json --points -
echo "exit $?"
kv-sim sweep --config c.json --points points --slice 3/2
echo "exit $?"
: | kv-sim sweep --config c.json --points - --no-frame --html none.html
echo "exit $?"
# Where nothing is served an objective has no value: the line says so and comes last.
echo '{"t":0,"in":50000,"out":2}' >long
printf '{"cache.tiers.gpu.size":"%s"}\n' 1GB 60GB | kv-sim sweep --config c.json --set trace.file=long --points - --objective ttft.p99 --no-frame | jq -c '[.point, .rejected, .objective]'
printf '{"batch.max_tokens":512}\n' | kv-sim sweep --config c.json --points - --no-frame --set 'cache.tiers=[{"name":"gpu","size":"60GB"},{"name":"cpu","size":"100GB"}]' | jq -c '[.objective == .memory.total_kv_bytes, .objective > .memory.kv_bytes]'
printf 'request_id,arrival_timestamp,prompt_size,token_size\n0,1,500,5\n' >one.csv
echo '{"trace":{"file":"one.csv"},"model":"bloom-176b","cost":{"kind":"splitwise"},"fleet":[{"count":1,"device":"dgx-h100"}],"router":"token-jsq"}' >compat.json
echo '{"trace.scale_rate":2}' | kv-sim sweep --config compat.json --compat splitwise --points - --no-frame --table
