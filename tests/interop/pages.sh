#!/usr/bin/env bash
# The pages and pictures of the tools in a real browser without network: nothing is fetched, nothing is
# wider than a laptop's screen or hidden beyond an edge, no label lies on another, no text is tiny.
set -u
browser=
for name in chromium chromium-browser google-chrome; do
  if [ -z "$browser" ] && command -v $name >/dev/null; then browser=$name; fi
done
if [ -z "$browser" ]; then
  echo "needs chromium"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
bad=0

# look FILE: what a reader of the page sees, as JSON; see pages_probe.html.
look() {
  timeout 60 "$browser" --headless --no-sandbox --disable-gpu --allow-file-access-from-files \
    --user-data-dir="$work/profile" --host-resolver-rules='MAP * ~NOTFOUND' --virtual-time-budget=5000 \
    --dump-dom "file://$STATEUTILS_SOURCE/tests/interop/pages_probe.html#file://$work/$1" 2>"$work/browser.log" |
    sed -n 's/.*<pre id="seen">\(.*\)<\/pre>.*/\1/p'
}

# readable FILE LEAST_PICTURES LEAST_ROWS
readable() {
  local seen
  seen=$(look "$1")
  echo "$1: $seen"
  jq -e --argjson pictures "$2" --argjson rows "$3" '
    .title != "" and .language == "en" and .headings > 0 and .rows >= $rows and .pictures >= $pictures and
    .empty_pictures == 0 and .unreadable == [] and .wider_than_the_screen == 0 and .hidden_columns == 0 and
    .small_text == 0 and .fetched == 0' <<<"$seen" >/dev/null || {
    echo "$1: not readable"
    bad=1
  }
}

# picture FILE.svg: the same in a page that holds nothing else.
picture() {
  { echo '<!doctype html><html lang="en"><title>picture</title><h1>picture</h1>' && sed '/^<?xml/d' "$1" && echo '</html>'; } >"$1.html"
  readable "$1.html" 1 0
}

# The probe itself must see what is wrong.
cat >wrong.html <<'PAGE'
<!doctype html><html lang="en"><title>wrong</title><h1>wrong</h1>
<svg width="200" height="100"><text x="10" y="50">one label</text><text x="20" y="52">another</text></svg>
<div style="width: 2000px">wide</div><img src="https://example.org/picture.png"></html>
PAGE
seen=$(look wrong.html)
if [ -z "$seen" ]; then
  echo "$browser does not run here: $(tail -n 1 browser.log)"
  exit 77
fi
jq -e '.unreadable != [] and .wider_than_the_screen > 0 and .fetched == 1' <<<"$seen" >/dev/null || {
  echo "the probe does not see what is wrong: $seen"
  exit 1
}

gen-bench generate -q --family conflict17 -n 60 --seed 7 -o tasks.jsonl
for agent in oracle inspect-first stale-trust blind; do
  gen-bench run -q --agent builtin:$agent tasks.jsonl -o $agent.jsonl
done
cat oracle.jsonl inspect-first.jsonl stale-trust.jsonl blind.jsonl |
  gen-bench report -q --html report.html --svg report.svg - >report.txt

gen-bench generate -q --family multiagent -n 4 --seed 7 | gen-bench run -q --agent builtin:oracle --bug ww - |
  gen-bench trace -q --to sbus >operations.jsonl
sbus-check audit -q --html audit.html operations.jsonl >audit.jsonl

head -n 40 "$TESTDATA/kv-sim/mooncake_head.jsonl" >trace
cat >fleet.json <<'CONFIG'
{"trace": {"file": "trace"}, "cost": {"kind": "linear", "a": "10ms", "b": "10us", "c": "1ms"}, "slo": {"ttft": "12s"},
 "model": {"layers": 10, "kv_bytes_per_token": 1000000}, "batch": {"block": 512},
 "cache": {"tiers": [{"name": "gpu", "size": "60GB"}]},
 "sweep": {"params": [{"path": "batch.max_tokens", "lo": 512, "hi": 4096, "scale": "int"},
                      {"path": "cache.tiers.gpu.size", "lo": "60GB", "hi": "120GB"}]}}
CONFIG
qmc-sample points sobol -d 2 -n 16 --randomize lms+ds --seed 3 -q -o design.npy
kv-sim sweep -q --config fleet.json --points design.npy --attain 0.9 --html sweep.html -o sweep.jsonl
kv-sim plot -q sweep.jsonl -o sweep.svg
kv-sim cache -q --policy lru,fifo,lfu --capacity 500blk,2000blk,8000blk "$TESTDATA/kv-sim/mooncake_2000.jsonl.zst" -o caches.jsonl
kv-sim plot -q caches.jsonl -o caches.svg

readable report.html 3 5
readable audit.html 3 3
readable sweep.html 1 5
for drawing in report.svg sweep.svg caches.svg; do picture $drawing; done
for drawing in "$STATEUTILS_SOURCE"/man/figures/*.svg; do
  cp "$drawing" .
  picture "$(basename "$drawing")"
done
exit $bad
