# Pictures of every kind of result: well-formed, without anything to fetch, and honest about fields.
head -30 "$TESTDATA/kv-sim/mooncake_head.jsonl" >trace
echo '{"trace":{"file":"trace"},"cost":{"kind":"linear","a":"10ms","b":"10us","c":"1ms"},"slo":{"ttft":"2s"}}' >c.json
kv-sim run --config c.json --requests one >/dev/null
kv-sim run --config c.json --set batch.max_tokens=512 --requests two >/dev/null
kv-sim cache --policy lru,belady --capacity 10blk,50blk,100blk trace -o cache
kv-sim mrc --points 20 trace -o mrc
printf '{"batch.max_tokens":%s}\n' 256 1024 4096 | kv-sim sweep --config c.json --points - -o sweep
kv-sim plot one two -o requests.svg
kv-sim plot --x queue one -o queue.svg
kv-sim plot --x prefilled --y ttft one two -o scatter.svg
kv-sim plot cache mrc -o curves.svg
kv-sim plot sweep -o sweep.svg
kv-sim plot --x params.batch.max_tokens --y e2e.mean - <sweep >params.svg
for f in requests queue scatter curves sweep params; do
  echo "$f: $(grep -c '<polyline' $f.svg) lines, $(grep -c '<circle' $f.svg) dots, $(grep -c 'href\|url(\|<script' $f.svg) references"
done
grep -o '>[a-z ]*: [a-z0-9]*<' curves.svg sweep.svg
for args in '--x no_such_field one' '--y ttft one' 'one cache' 'trace' 'c.json'; do
  # shellcheck disable=SC2086
  kv-sim plot $args >/dev/null
  echo "exit $?"
done
: >empty
kv-sim plot empty
echo "exit $?"
sed 's/"id":"0"/"id":"<b>\&"/' one >evil
kv-sim plot --x t --y ttft evil | grep -c '<b>'
kv-sim plot one --json=summary -o x.svg && grep -o '"files":1' summary
cat -- *.svg >all
python3 - <<'P' || exit 77
import glob, xml.dom.minidom
for name in glob.glob('*.svg'): xml.dom.minidom.parse(name)
P
