#!/usr/bin/env bash
# The cache simulations beside libCacheSim (its Python package, when python3 has it): accesses per
# CPU second after load, in alternating rounds on the same references. KV_BENCH_TRACE names another
# trace, KV_BENCH_ROUNDS shrinks it.
set -eu
policies=${STATEUTILS_BIN%/*}/tests/kv_policies
trace=${KV_BENCH_TRACE:-$TESTDATA/kv-sim/mooncake_2000.jsonl.zst}
rounds=${KV_BENCH_ROUNDS:-11} capacity=5859
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-kv.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$policies" "$trace" --oracle >"$work/trace.oracleGeneral.bin"
accesses=$(($(stat -c %s "$work/trace.oracleGeneral.bin") / 24))
echo "input: $(sha256sum <"$trace" | cut -c1-16) $accesses references, capacity $capacity blocks"
if ! python3 -c 'import libcachesim' 2>/dev/null; then
  for policy in lru fifo sieve; do
    echo "$policy: $("$policies" "$trace" $policy $capacity 20) (hits, CPU seconds a round); python3 has no libcachesim"
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
for policy in lru fifo sieve; do
  for _ in $(seq "$rounds"); do
    read -r hits ours < <("$policies" "$trace" $policy $capacity 20)
    read -r misses peer < <(python3 "$work/peer.py" "$work/trace.oracleGeneral.bin" $policy $capacity)
    echo "$hits $ours $misses $peer"
  done | python3 -c '
import json, statistics, sys
policy, accesses = sys.argv[1], int(sys.argv[2])
rows = [[float(x) for x in line.split()] for line in sys.stdin]
for hits, _, misses, _ in rows:
    assert abs(1 - hits / accesses - misses) < 1e-9, "the hit counts differ"
ratios = sorted(peer / ours for _, ours, _, peer in rows)
low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
ratio = statistics.median(ratios)
rate = lambda seconds: accesses / statistics.median(seconds)
print(json.dumps({"tool": "kv-sim", "what": f"flat {policy} after load vs libCacheSim (Python package)",
    "ours": rate([r[1] for r in rows]), "peer": rate([r[3] for r in rows]), "unit": "accesses/CPU s",
    "ratio": ratio, "low": low, "high": high, "target": 40, "met": ratio >= 40,
    "command": f"kv_policies TRACE {policy} 5859 20"}))
' "$policy" "$accesses"
done
