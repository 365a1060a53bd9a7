#!/usr/bin/env bash
# numpy reads our .npy and we read numpy's; jq reads our JSON Lines; zstd frames are decoded; the
# safetensors we write are what the format's description says.
set -eu
streams=${STATEUTILS_BIN%/*}/tests/core_streams
for need in jq zstd; do
  command -v "$need" >/dev/null || exit 77
done
# The first python3 on the path may not be the one that the system's numpy belongs to.
python=
for candidate in python3 /usr/bin/python3; do
  "$candidate" -c 'import numpy' 2>/dev/null && python=$candidate && break
done
[ -n "$python" ] || exit 77
[ -x "$streams" ] || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
  echo "core_streams.sh: $*" >&2
  exit 1
}

# jq agrees with us about every record and number.
"$streams" make-jsonl 3000 >trace.jsonl
[ "$(jq -c . trace.jsonl | wc -l)" -eq 3000 ] || fail "jq counts other records"
jq -c . trace.jsonl >by_jq.jsonl
[ "$("$streams" sum-jsonl trace.jsonl)" = "$("$streams" sum-jsonl by_jq.jsonl)" ] || fail "jq reads other values"
"$streams" copy-jsonl trace.jsonl >framed.jsonl
sed '1d;$d' framed.jsonl | cmp - trace.jsonl || fail "a copy differs"
head -n 1 framed.jsonl | jq -e '.format == "stateutils.trace" and .version == 1' >/dev/null || fail "no header"
tail -n 1 framed.jsonl | jq -e '.end and .records == 3000' >/dev/null || fail "no trailer"

# zstd: levels, long windows, many frames, skippable frames, multithreaded frames; cut and damaged.
for options in -1 -19 "--long=27" "-T2 -B65536" --no-check; do
  # shellcheck disable=SC2086
  zstd -qc $options trace.jsonl >trace.zst
  "$streams" cat trace.zst | cmp - trace.jsonl || fail "zstd $options"
  "$streams" cat - <trace.zst | cmp - trace.jsonl || fail "zstd $options from a pipe"
done
{ zstd -qc trace.jsonl; printf '\x50\x2a\x4d\x18\x02\x00\x00\x00ab'; zstd -qc by_jq.jsonl; } >two.zst
"$streams" cat two.zst | cmp - <(cat trace.jsonl by_jq.jsonl) || fail "two frames"
head -c 1000 trace.zst >cut.zst
status=0
"$streams" cat cut.zst >/dev/null 2>error || status=$?
[ "$status" -eq 3 ] || fail "a cut frame exits $status"
grep -q 'cut.zst: byte 1000: the zstd frame is cut off' error || fail "$(cat error)"

# numpy in both directions: types, byte orders, Fortran order, header versions.
"$streams" make-npy 1000 7 >ours.npy
"$python" - <<'PYTHON'
import io
import numpy as np
ours = np.load("ours.npy")
assert ours.dtype == np.float64 and ours.shape == (1000, 7)
assert (ours.ravel() == np.arange(7000)).all()
cube = np.arange(120).reshape(2, 3, 4, 5)
for code in ["<f4", "<f8", "<i4", "<i8", "<u4", "<u8", "|u1", ">f4", ">f8", ">i4", ">i8", ">u4", ">u8"]:
    name = code.replace("<", "l").replace(">", "b").replace("|", "n")
    np.save(f"c_{name}.npy", cube.astype(code))
    np.save(f"f_{name}.npy", np.asfortranarray(cube.astype(code)))
for version in [(1, 0), (2, 0), (3, 0)]:
    with open(f"v_{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, cube, version=version)
np.save("scalar.npy", np.float64(7140))
np.save("bad_object.npy", np.array([{}], dtype=object), allow_pickle=True)
np.save("bad_complex.npy", np.array([1j]))
np.save("bad_fields.npy", np.zeros(2, dtype=[("a", "<f8")]))
PYTHON
for file in c_*.npy f_*.npy v_*.npy scalar.npy; do
  [ "$("$streams" sum-npy "$file")" = 7140 ] || fail "$file"
done
for file in bad_*.npy; do
  status=0
  "$streams" sum-npy "$file" 2>/dev/null || status=$?
  [ "$status" -eq 3 ] || fail "$file exits $status"
done

# safetensors by the format's own words: length, JSON, buffer.
"$streams" make-safetensors >ours.safetensors
"$python" - <<'PYTHON'
import json
import struct
data = open("ours.safetensors", "rb").read()
length = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + length])
assert (8 + length) % 8 == 0
assert header.pop("__metadata__") == {"made_by": "core_streams"}
assert list(header) == ["weights", "empty", "bytes"]
begin, end = header["weights"]["data_offsets"]
assert struct.unpack("<4d", data[8 + length + begin:8 + length + end]) == (0.5, -1, 2, 1e300)
assert max(t["data_offsets"][1] for t in header.values()) == len(data) - 8 - length
PYTHON

# A gigabyte without a newline fails by the limit, not by memory. (Sanitizers need address space.)
memory=2000000
(ulimit -v $memory && "$streams" make-jsonl 1 >/dev/null 2>&1) || memory=unlimited
status=0
(
  ulimit -v $memory
  head -c 1000000000 /dev/zero | tr '\0' x | "$streams" sum-jsonl - 2>error
) || status=$?
[ "$status" -eq 3 ] || fail "an endless line exits $status"
grep -q 'stdin:1: line longer than 67108864 bytes' error || fail "$(cat error)"
