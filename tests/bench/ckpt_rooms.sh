#!/usr/bin/env bash
# Compression beside zstd -3 on one core, and what snapshots in each mode cost the steps.
# CKPT_BENCH_MIB is the size of the input (64 MiB), CKPT_BENCH_ROUNDS the number of rounds; BENCH_SMOKE
# makes both tiny. Ratios are peer / ours: above 1 is faster than the peer.
set -eu
command -v python3 >/dev/null && command -v zstd >/dev/null || exit 77
mib=${CKPT_BENCH_MIB:-64} rounds=${CKPT_BENCH_ROUNDS:-5} state=512Mi
if [ -n "${BENCH_SMOKE:-}" ]; then
  mib=1 rounds=1 state=1Mi
fi
pair="$STATEUTILS_SOURCE/scripts/bench_pair.sh"
work=$(mktemp -d "${CKPT_BENCH_DIR:-${TMPDIR:-/tmp}}/stateutils-ckpt.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

# BF16 weights of N(0, 0.02), and 2 MiB of them before and after an update of 1e-5 N(0, 1).
python3 - "$mib" <<'PY'
import array, os, random, statistics, struct, sys
def bf16(x):
    bits = struct.unpack("<I", struct.pack("<f", x))[0]
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
def number(h):
    return struct.unpack("<f", struct.pack("<I", h << 16))[0]
def write(path, values):
    header = b'{"w":{"dtype":"BF16","shape":[%d],"data_offsets":[0,%d]}}' % (len(values), 2 * len(values))
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as out:
        out.write(len(header).to_bytes(8, "little") + header + values.tobytes())
normal = statistics.NormalDist(0, 0.02)
table = [bf16(normal.inv_cdf((i + 0.5) / 65536)) for i in range(65536)]
draw = lambda n: array.array("H", [table[x] for x in array.array("H", os.urandom(2 * n))])
write("w.safetensors", draw(int(sys.argv[1]) << 19))
old = draw(1 << 20)
random.seed(1)
write("old.safetensors", old)
write("new.safetensors", array.array("H", [bf16(number(h) + 1e-5 * random.gauss(0, 1)) for h in old]))
PY
zstd -q -3 -T1 w.safetensors -o w.zst
ckpt-convert compress w.safetensors w.ckz
saved() { awk -v a="$(stat -c %s "$1")" -v b="$(stat -c %s "$2")" 'BEGIN { printf "%.1f", 100 - 100 * b / a }'; }
echo "{\"tool\":\"ckpt-convert\",\"what\":\"BF16 saved, percent\",\"ours\":$(saved w.safetensors w.ckz),\"zstd_3\":$(saved w.safetensors w.zst)}"
ckpt-convert compress new.safetensors new.ckz
ckpt-convert compress new.safetensors delta.ckz --base old.safetensors
echo "{\"tool\":\"ckpt-convert\",\"what\":\"step 1e-5: without base / with base\",\"ratio\":$(awk -v a="$(stat -c %s new.ckz)" -v b="$(stat -c %s delta.ckz)" 'BEGIN { printf "%.1f", a / b }')}"

bash "$pair" -r "$rounds" -T 2.5 ckpt-convert "$mib MiB BF16 to ckz vs zstd -3 -T1, CPU time" \
  "ckpt-convert compress --quiet --threads 1 w.safetensors out.ckz --force" "zstd -q -3 -T1 -f w.safetensors -o out.zst"
bash "$pair" -r "$rounds" -T 2.2 ckpt-convert "$mib MiB BF16 from ckz vs zstd -d, CPU time" \
  "ckpt-convert decompress --quiet --threads 1 w.ckz back.safetensors --force" "zstd -q -d -f w.zst -o back"
rm -rf w.* out.* back*

# A step of a second outlasts the copy. blocked_ms is per snapshot, memcpy_ms a plain copy of the same bytes.
for mode in blocking copy lazy; do
  ckpt-convert snapshot --source "synthetic:$state" --every 2 --steps 6 --step-ms "$([ "$state" = 1Mi ] && echo 1 || echo 1000)" \
    --mode $mode --out steps --no-frame | tail -n 1
  rm -rf steps
done
