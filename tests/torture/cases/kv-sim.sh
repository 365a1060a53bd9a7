# shellcheck shell=bash
trace=$TESTDATA/kv-sim/mooncake_head.jsonl
requests=$(torture_make requests.jsonl "kv-sim convert '$trace' -o @OUT@")
torture_case convert writer 'kv-sim convert @IN@ -o @OUT@' in="$trace"
torture_case convert-pipe filter '<@IN@ kv-sim convert -' in="$trace"
torture_case cache filter 'kv-sim cache --policy lru,belady --capacity 64blk @IN@' in="$requests" cut=framed
torture_case cache-file writer 'kv-sim cache --policy lru --capacity 64blk @IN@ -o @OUT@' in="$requests" cut=framed
results=$(torture_make results.jsonl "kv-sim cache --policy lru,belady --capacity 64blk '$trace' -o @OUT@")
torture_case plot writer 'kv-sim plot @IN@ -o @OUT@' in="$results" cut=framed
config=$(torture_make config.json "echo '{\"trace\":{\"file\":\"$trace\"},\"cost\":{\"kind\":\"linear\",\"a\":\"10ms\",\"b\":\"10us\"}}'")
points=$(torture_make points.jsonl "printf '{\"batch.max_tokens\":%s}\n' 512 4096")
torture_case sweep writer "kv-sim sweep --config '$config' --points @IN@ -o @OUT@" in="$points"
serving=$(torture_make run.json "echo '{\"trace\":{\"file\":\"$requests\"},\"cost\":{\"kind\":\"linear\",\"a\":\"10ms\",\"b\":\"1us\",\"c\":\"1ms\"}}' >@OUT@")
torture_case run-requests writer "kv-sim run --config '$serving' --set trace.file=@IN@ --no-frame --requests @OUT@" in="$requests" cut=framed
