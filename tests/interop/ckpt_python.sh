#!/usr/bin/env bash
# PyTorch, NumPy, the safetensors package and torch.distributed.checkpoint read what we write, and we
# read what they write. STATEUTILS_PYTHON names an interpreter that has them; each part is left out
# where its package is absent.
set -eu
python=
for candidate in "${STATEUTILS_PYTHON:-}" python3 /usr/bin/python3; do
  [ -n "$candidate" ] && "$candidate" -c 'import numpy' 2>/dev/null && python=$candidate && break
done
[ -n "$python" ] || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
data=$TESTDATA/ckpt-convert

# same A B: both checkpoints have the same manifest.
same() {
  ckpt-convert manifest "$1" >a.jsonl
  ckpt-convert manifest "$2" >b.jsonl
  cmp a.jsonl b.jsonl || {
    echo "ckpt_python.sh: $1 and $2 differ" >&2
    exit 1
  }
}

cat >numpy_part.py <<'PY'
import hashlib, json, numpy, sys
# Every array of ours has the bytes that our manifest claims.
want = {}
for line in open(sys.argv[2]):
    record = json.loads(line)
    if "name" in record:
        want[record["name"]] = record
arrays = numpy.load(sys.argv[1], allow_pickle=False)
assert sorted(arrays.files) == sorted(want)
for name in arrays.files:
    array = numpy.ascontiguousarray(arrays[name])
    assert list(array.shape) == want[name]["shape"], name
    assert hashlib.sha256(array.tobytes()).hexdigest() == want[name]["sha256"], name
rng = numpy.random.default_rng(1)
made = {"f": numpy.asfortranarray(rng.normal(size=(7, 5))), "i": rng.integers(0, 9, 11),
        "big": rng.normal(size=300000).astype(">f4"), "zero": numpy.zeros((3, 0)), "text": numpy.arange(4)}
numpy.savez("theirs.npz", **made)
numpy.savez_compressed("deflated.npz", **made)
PY
ckpt-convert convert "$data/torch-made/many_small.zip.pt" ours.npz
ckpt-convert manifest --sha256 ours.npz >ours.jsonl
"$python" numpy_part.py ours.npz ours.jsonl
same theirs.npz deflated.npz
ckpt-convert verify deflated.npz >/dev/null
echo "numpy: read and written"

if "$python" -c 'import safetensors.numpy' 2>/dev/null; then
  ckpt-convert convert ours.npz ours.safetensors
  "$python" - <<'PY'
import numpy, safetensors.numpy
ours, arrays = safetensors.numpy.load_file("ours.safetensors"), numpy.load("ours.npz")
assert sorted(ours) == sorted(arrays.files)
for name in ours:
    assert ours[name].tobytes() == arrays[name].tobytes() and ours[name].shape == arrays[name].shape, name
safetensors.numpy.save_file({k: numpy.ascontiguousarray(v) for k, v in arrays.items()}, "theirs.safetensors", {"k": "v"})
PY
  same ours.safetensors theirs.safetensors
  echo "safetensors: read and written"
fi

if "$python" -c 'import torch' 2>/dev/null; then
  cat >torch_part.py <<'PY'
import argparse, collections, hashlib, json, sys, torch

# One of our inputs holds a record that is data alone; everything else loads as it is.
if hasattr(torch.serialization, "add_safe_globals"):
    torch.serialization.add_safe_globals([argparse.Namespace])

def flatten(value, path, out):
    if isinstance(value, torch.Tensor):
        out[".".join(path) or "tensor"] = value
    elif isinstance(value, dict):
        for key, item in value.items():
            flatten(item, path + [str(key)], out)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            flatten(item, path + [str(i)], out)
    return out

def raw(tensor):
    tensor = tensor.detach().contiguous()
    return bytes(tensor.view(-1).view(torch.uint8).tolist()) if tensor.numel() else b""

def load(path):
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception:
        # The first release with weights_only (1.13) knows no floating numbers in pickles.
        if not torch.__version__.startswith("1.13"):
            raise
        return torch.load(path, map_location="cpu")

def check(path, manifest):
    want = {r["name"]: r for r in map(json.loads, open(manifest)) if "name" in r}
    found = flatten(load(path), [], {})
    assert sorted(found) == sorted(want), (path, sorted(set(found) ^ set(want))[:4])
    for name, tensor in found.items():
        assert list(tensor.shape) == want[name]["shape"], name
        assert hashlib.sha256(raw(tensor)).hexdigest() == want[name]["sha256"], name

if sys.argv[1] == "check":
    for name in sys.argv[2:]:
        check(name + ".pt", name + ".jsonl")
else:
    torch.manual_seed(1)
    base = torch.randn(12, 10)
    nested = {"model": collections.OrderedDict(w=base, view=base[2:5, 1:4], t=base.t(), h=base.half(), b=base.bfloat16()),
              "state": [{"step": torch.tensor(7), "m": torch.randn(3)}, (torch.arange(5), "text", None, 1.5)],
              "parameter": torch.nn.Parameter(torch.randn(4)), "empty": torch.zeros(0, 3), "bool": torch.tensor([True, False])}
    torch.save(nested, "theirs.zip.pt")
    torch.save(nested, "theirs.legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(nested, "theirs.proto4.pt", pickle_protocol=4)
PY
  "$python" torch_part.py make
  ours=()
  for file in theirs.zip.pt theirs.legacy.pt theirs.proto4.pt "$data"/torch-made/{dtypes,many_small,nested,strided,tied.zip.proto4}*pt; do
    case $file in *dtypes*legacy*) continue ;; esac
    name=ours${#ours[@]}
    ours+=("$name")
    ckpt-convert convert "$file" "$name.pt" --to pt
    ckpt-convert manifest --sha256 "$name.pt" >"$name.jsonl"
    same "$file" "$name.pt"
  done
  "$python" torch_part.py check "${ours[@]}"
  same theirs.zip.pt theirs.legacy.pt
  echo "torch: read and written, $("$python" -c 'import torch; print(torch.__version__)')"
fi

if "$python" -c 'import torch.distributed.checkpoint' 2>/dev/null; then
  ckpt-convert convert "$data/torch-made/many_small.zip.pt" dcp --to dcp --ranks 3
  cat >dcp_part.py <<'PY'
import torch, torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.format_utils import dcp_to_torch_save
dcp_to_torch_save("dcp", "from_dcp.pt")
state = torch.load("from_dcp.pt", weights_only=True)
dcp.save(state, checkpoint_id="theirs_dcp", no_dist=True)
PY
  "$python" dcp_part.py
  same from_dcp.pt "$data/torch-made/many_small.zip.pt"
  same theirs_dcp "$data/torch-made/many_small.zip.pt"
  echo "torch.distributed.checkpoint: read and written"
fi
