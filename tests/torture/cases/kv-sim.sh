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
# These print by the same code: that each asks it for success is enough.
short=(only=full_device only=file_limit only=syscalls)
torture_case stat writer 'kv-sim stat @IN@ -o @OUT@' in="$requests" "${short[@]}"
torture_case mrc writer 'kv-sim mrc --points 4 @IN@ -o @OUT@' in="$requests" "${short[@]}"
torture_case run-summary writer "kv-sim run --config '$serving' --set trace.file=@IN@ -o @OUT@" in="$requests" "${short[@]}"
torture_case run-iterations writer "kv-sim run --config '$serving' --set trace.file=@IN@ --iterations @OUT@" in="$requests" "${short[@]}"
torture_case sweep-html writer "kv-sim sweep --config '$config' --points @IN@ --html @OUT@" in="$points" "${short[@]}"
torture_case explain writer 'kv-sim explain ttl @IN@ -o @OUT@' in="$(torture_make ttl.json "echo '{\"samples\":[0.5,1],\"benefit\":3}' >@OUT@")" "${short[@]}"
torture_case balance writer 'kv-sim balance --devices 2 @IN@ -o @OUT@' in="$(torture_make lengths.txt "printf '3\n4\n5\n' >@OUT@")" "${short[@]}"
torture_case comm writer 'kv-sim comm --algo ring -n 4 --size 1MiB --alpha 5us --bw 4GB/s -o @OUT@' "${short[@]}"
torture_case rlpipe writer 'kv-sim rlpipe @IN@ -o @OUT@' in="$(torture_make stages.csv "printf 'batch,rollout_s,train_s\n0,1,1\n1,1,1\n' >@OUT@")" "${short[@]}"
torture_case coldstart writer 'kv-sim coldstart --cold 2s @IN@ -o @OUT@' in="$(torture_make calls.csv "printf 't,function,trigger,exec_s\n0,f,http,1\n30,f,http,1\n' >@OUT@")" "${short[@]}"
torture_case autoscale writer 'kv-sim autoscale @IN@ -o @OUT@' in="$(torture_make load.csv "printf 't,concurrency\n0,5\n60,900\n' >@OUT@")" "${short[@]}"
torture_case sandbox writer 'kv-sim sandbox --host 1000MB --limit 350MB --policy static @IN@ -o @OUT@' in="$(torture_make memory.csv "printf 'model,task,t_s,mem_mb,cpu_pct\nm,a,0,100,1\nm,a,1,300,1\n' >@OUT@")" "${short[@]}"
torture_case compare writer 'kv-sim compare @IN@ @IN@ -o @OUT@' in="$serving" "${short[@]}"
