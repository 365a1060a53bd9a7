#!/usr/bin/env bash
# Conversions beside the disk: dd of the same bytes past the page cache, xxh128sum, and the limits on
# time and memory that hold without a peer; PyTorch and DeepSpeed where CKPT_BENCH_PYTHON (python3)
# has them. CKPT_BENCH_MIB is the size of the input (2048 MiB), CKPT_BENCH_ROUNDS the number of rounds.
# Ratios are peer / ours: above 1 is faster than the peer.
set -eu
mib=${CKPT_BENCH_MIB:-2048} rounds=${CKPT_BENCH_ROUNDS:-5} python=${CKPT_BENCH_PYTHON:-python3}
pair="$STATEUTILS_SOURCE/scripts/bench_pair.sh"
work=$(mktemp -d "${CKPT_BENCH_DIR:-${TMPDIR:-/tmp}}/stateutils-ckpt.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

# Random bytes as F32 tensors of 64 MiB: no file system and no device can shrink them.
python3 - "$mib" <<'PY'
import json, os, sys
count = int(sys.argv[1]) // 64
header, at = {}, 0
for i in range(count):
    header[f"layers.{i}.weight"] = {"dtype": "F32", "shape": [4096, 4096], "data_offsets": [at, at + (64 << 20)]}
    at += 64 << 20
text = json.dumps(header).encode()
text += b" " * (-(len(text) + 8) % 8)
with open("model.safetensors", "wb") as out:
    out.write(len(text).to_bytes(8, "little") + text)
    for i in range(count):
        out.write(os.urandom(64 << 20))
PY
ckpt-convert convert model.safetensors model.pt
echo "input: $(sha256sum <model.pt | cut -c1-16) $mib MiB"

dd="dd if=model.pt of=copy bs=8M oflag=direct conv=fsync status=none"
bash "$pair" -r "$rounds" -m wall -T 0.91 ckpt-convert "$mib MiB .pt to safetensors vs dd bs=8M oflag=direct conv=fsync" \
  "rm -f out.safetensors; ckpt-convert convert --quiet model.pt out.safetensors --force" "rm -f copy; $dd"
rm -f copy
if "$python" -c 'import torch' 2>/dev/null; then
  cat >load_save.py <<'PY'
import os, torch
with open("copy.pt", "wb") as out:
    torch.save(torch.load("model.pt", weights_only=True), out)
    os.fsync(out.fileno())
PY
  bash "$pair" -r "$rounds" -m wall -T 6 ckpt-convert "$mib MiB .pt to safetensors vs torch.load and torch.save" \
    "rm -f out.safetensors; ckpt-convert convert --quiet model.pt out.safetensors --force" \
    "rm -f copy.pt; $python load_save.py"
  rm -f copy.pt
fi
rm -f out.safetensors

if command -v xxh128sum >/dev/null; then
  ckpt-convert manifest model.safetensors >m.jsonl
  bash "$pair" -r "$rounds" -T 0.87 ckpt-convert "verify with XXH3 vs xxh128sum, CPU time" \
    "ckpt-convert verify --no-crc --threads 1 --manifest m.jsonl model.safetensors" "xxh128sum model.safetensors"
fi

# BF16 weights of a normal distribution, per core. Blocks repeat past the window of zstd -3.
if command -v zstd >/dev/null; then
  python3 - "$mib" <<'PY'
import json, random, struct, sys
size = min(int(sys.argv[1]), 256) << 20
random.seed(1)
block = b"".join(
    struct.pack("<f", 0.02 * random.gauss(0, 1))[2:] for _ in range(4 << 20))
header = {"w": {"dtype": "BF16", "shape": [size // 2], "data_offsets": [0, size]}}
text = json.dumps(header).encode()
text += b" " * (-(len(text) + 8) % 8)
with open("w.safetensors", "wb") as out:
    out.write(len(text).to_bytes(8, "little") + text)
    for i in range(size // len(block)):
        out.write(block[i * 2:] + block[:i * 2])
PY
  bash "$pair" -r "$rounds" -T 2.5 ckpt-convert "ckz compress vs zstd -3, CPU time" \
    "ckpt-convert compress --threads 1 --quiet w.safetensors w.ckz --force" \
    "zstd -3 -q -f --single-thread w.safetensors -o w.zst"
  bash "$pair" -r "$rounds" -T 2.2 ckpt-convert "ckz decompress vs zstd -d, CPU time" \
    "ckpt-convert decompress --threads 1 --quiet w.ckz back.safetensors --force" "zstd -d -q -f w.zst -o back.zst"
  rm -f w.* back.*
fi

# Data-parallel shards of a model to one universal folder; the peer copies what is written.
python3 - <<'PY'
import json
json.dump({"universal_checkpoint_version": 0.4, "original_vocab_size": 4096,
           "vocabulary_parameter_patterns": ["layers.0.weight"],
           "parameter_with_row_parallelism_patterns": ["layers\\.[0-9]*[13579]\\.weight"]}, open("patterns.json", "w"))
PY
mkdir zero
ckpt-convert reshard model.safetensors zero/tag --to deepspeed --tp 2 --dp 2 --zero 1 --patterns patterns.json
ckpt-convert reshard zero universal --to universal
written=$(du -sb universal | cut -f 1)
head -c "$written" /dev/urandom >bytes
bash "$pair" -r "$rounds" -m wall -T 0.4 ckpt-convert "ZeRO-1 tp2 dp2 to universal, $((written >> 20)) MiB, vs dd of the output" \
  "rm -rf universal; ckpt-convert reshard --quiet zero universal --to universal --force" \
  "rm -f copy; dd if=bytes of=copy bs=8M oflag=direct conv=fsync status=none"
rm -rf zero universal bytes copy

# The same from DeepSpeed's own files, beside its own converter.
if "$python" -c 'import deepspeed' 2>/dev/null; then
  "$python" "$STATEUTILS_SOURCE/tests/bench/ckpt_zero.py" zero $((mib / 220))
  for workers in 1 2 4; do
    bash "$pair" -r 1 -m wall -T 8 ckpt-convert "ZeRO-1 tp2 dp2 to universal vs ds_to_universal, $workers workers" \
      "rm -rf universal; ckpt-convert reshard --quiet zero universal --to universal --force" \
      "rm -rf theirs; $python -m deepspeed.checkpoint.ds_to_universal --input_folder zero/global_step7 \
        --output_folder theirs --num_extract_workers $workers --num_merge_workers $workers; sync -f theirs"
  done
  ckpt-convert diff universal theirs | tail -n 2 | sed 's/^/diff: /'
  rm -rf zero universal theirs
fi

sync  # what was written before must not be in the way
# 100 shards with 10,000 tensors are listed in CPU time that a person does not notice.
python3 - <<'PY'
import json
names = {}
for shard in range(100):
    header, at = {}, 0
    for i in range(100):
        name = f"model.layers.{shard}.part{i}.weight"
        header[name] = {"dtype": "BF16", "shape": [8, 4], "data_offsets": [at, at + 64]}
        names[name] = f"model-{shard + 1:05}-of-00100.safetensors"
        at += 64
    text = json.dumps(header).encode()
    with open(f"model-{shard + 1:05}-of-00100.safetensors", "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text + bytes(at))
json.dump({"metadata": {"total_size": 640000}, "weight_map": names}, open("model.safetensors.index.json", "w"))
PY
bash "$pair" -r "$rounds" -m wall -T 1 ckpt-convert "inspect of 100 shards, 10,000 tensors, vs sleep 0.1" \
  "ckpt-convert inspect model.safetensors.index.json" "sleep 0.1"

# Memory: a sparse checkpoint of 200 GB with a tensor far larger than the limit.
python3 - <<'PY'
import json
header, at = {}, 0
for i in range(20):
    header[f"w{i}"] = {"dtype": "U8", "shape": [10_000_000_000], "data_offsets": [at, at + 10_000_000_000]}
    at += 10_000_000_000
text = json.dumps(header).encode()
with open("sparse.safetensors", "wb") as out:
    out.write(len(text).to_bytes(8, "little") + text)
    out.truncate(8 + len(text) + at)
PY
if command -v /usr/bin/time >/dev/null; then
  format='{"tool": "ckpt-convert", "what": "peak RSS in KiB, 10 s of a 200 GB checkpoint at --max-memory 64M", "ours": %M, "limit": 131072}'
  /usr/bin/time -f "$format" timeout 10 ckpt-convert convert sparse.safetensors - --max-memory 64M 2>&1 >/dev/null |
    grep '^{' || true
fi
