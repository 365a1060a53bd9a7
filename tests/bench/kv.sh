#!/usr/bin/env bash
# The cache simulations beside libCacheSim (its Python package, when KV_BENCH_PYTHON, python3 unless
# given, has it), in alternating rounds on the same references, accesses per CPU second: after load;
# the whole process of `kv-sim cache` from JSONL and of `kv-sim mrc`, the curve of all sizes, beside
# the peer's one size from its binary format. KV_BENCH_TRACE names another trace, KV_BENCH_ROUNDS
# shrinks it.
set -eu
policies=${STATEUTILS_BIN%/*}/tests/kv_policies
trace=${KV_BENCH_TRACE:-$TESTDATA/kv-sim/mooncake_2000.jsonl.zst}
rounds=${KV_BENCH_ROUNDS:-11} capacity=5859 python=${KV_BENCH_PYTHON:-python3}
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-kv.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$policies" "$trace" --oracle >"$work/trace.oracleGeneral.bin"
accesses=$(($(stat -c %s "$work/trace.oracleGeneral.bin") / 24))
echo "input: $(sha256sum <"$trace" | cut -c1-16) $accesses references, capacity $capacity blocks"
if ! "$python" -c 'import libcachesim' 2>/dev/null; then
  for policy in lru fifo sieve; do
    echo "$policy: $("$policies" "$trace" $policy $capacity 20) (hits, CPU seconds a round); $python has no libcachesim"
  done
  exit 0
fi
cat >"$work/peer.py" <<'PY'
import sys, time, libcachesim as peer
path, policy, capacity = sys.argv[1], sys.argv[2], int(sys.argv[3])
reader = peer.TraceReader(path, peer.TraceType.ORACLE_GENERAL_TRACE)
cache = {"lru": peer.LRU, "fifo": peer.FIFO, "sieve": peer.Sieve}[policy](capacity)
start = time.process_time()
miss_ratio = cache.process_trace(reader)[0]
print(miss_ratio, time.process_time() - start)
PY
peer() { "$python" "$work/peer.py" "$work/trace.oracleGeneral.bin" "$1" $capacity; }

# report WHAT TARGET COMMAND: lines of "hits seconds miss-ratio seconds", ours and the peer's.
report() {
  awk -v accesses="$accesses" '{
    gap = 1 - $1 / accesses - $3
    if (gap * gap > 1e-18) { print "the hit counts differ" >"/dev/stderr"; exit 1 }
    print accesses / $2, accesses / $4
  }' | bash "$STATEUTILS_SOURCE/scripts/bench_figure.sh" -u "accesses/CPU s" -T "$2" -c "$3" kv-sim "$1"
}

for policy in lru fifo sieve; do
  for _ in $(seq "$rounds"); do
    echo "$("$policies" "$trace" $policy $capacity 20) $(peer $policy)"
  done | report "flat $policy after load vs libCacheSim (Python package)" 40 \
    "kv_policies TRACE $policy $capacity 20"
done

# whole FILTER COMMAND...: hits of the output by a jq filter, CPU seconds of one of 5 processes.
whole() {
  local filter=$1 TIMEFORMAT='%U %S'
  shift
  { time for _ in 1 2 3 4 5; do "$@" >"$work/out"; done; } 2>"$work/cpu"
  echo "$(jq "$filter" "$work/out") $(awk '{ print ($1 + $2) / 5 }' "$work/cpu")"
}

plain=$work/trace.jsonl
zstdcat -f "$trace" >"$plain"
for _ in $(seq "$rounds"); do
  echo "$(whole .hits kv-sim cache --no-frame --mode flat --policy lru --no-bound \
    --capacity ${capacity}blk "$plain") $(peer lru)"
done | report "cache --mode flat from JSONL, parsing included, vs libCacheSim after load" 10 \
  "kv-sim cache --mode flat --policy lru --no-bound --capacity ${capacity}blk TRACE"
for _ in $(seq "$rounds"); do
  echo "$(whole "select(.capacity_blocks == $capacity).hits" kv-sim mrc --no-frame \
    --capacity ${capacity}blk "$plain") $(peer lru)"
done | report "mrc, the exact curve of all sizes from JSONL, vs libCacheSim at one size" 5 \
  "kv-sim mrc --capacity ${capacity}blk TRACE"
