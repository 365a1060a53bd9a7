#!/usr/bin/env bash
# ask and tell: the same result as --exec, whatever is repeated or goes wrong in between.
values() { python3 -c '
import struct, sys
data = open("pts.npy", "rb").read()
start = 10 + struct.unpack("<H", data[8:10])[0]
rows = [x[0] ** 2 for x in struct.iter_unpack("<dd", data[start:])]
head = "{\"descr\": \"<f8\", \"fortran_order\": False, \"shape\": (%d,), }" % len(rows)
head = head.replace("\"", chr(39)).encode()
head += b" " * (-(len(head) + 11) % 64) + b"\n"
out = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head
sys.stdout.buffer.write(out + struct.pack("<%dd" % len(rows), *rows))'; }
command -v python3 > /dev/null || exit 77
qmc-sample integrate ask st -o pts.npy -d 2 --abs-tol 1e-3 --seed 7 --measure 'uniform(0,2)'
cp pts.npy first.npy
qmc-sample integrate ask st -o pts.npy --abs-tol 1e-3
cmp pts.npy first.npy && echo same points
qmc-sample integrate ask st -o pts.npy --abs-tol 1e-4; echo $?
qmc-sample integrate ask st -o pts.npy --seed 8; echo $?
values > v.npy
qmc-sample integrate tell st pts.npy && echo two outputs are as good as one
rm st && qmc-sample integrate ask st -o pts.npy -d 2 --abs-tol 1e-3 --seed 7 --measure 'uniform(0,2)'
head -c 8000 v.npy > cut.npy
qmc-sample integrate tell st cut.npy; echo $?
qmc-sample integrate tell st v.npy; echo $?
cp st before
qmc-sample integrate tell st v.npy; echo $?
cmp st before && echo told twice changes nothing
qmc-sample points iid -d 1 -n 1024 --seed 1 -o other.npy
qmc-sample integrate tell st other.npy; echo $?
for _ in 1 2 3 4 5 6 7 8; do
  qmc-sample integrate ask st -o pts.npy > answer.json
  [ "$(jq .done answer.json)" = false ] || break
  values > v.npy
  qmc-sample integrate tell st v.npy
done
jq -c '[.done, .converged, .n_total, .integral]' answer.json
qmc-sample integrate --f 'x1^2' -d 2 --abs-tol 1e-3 --seed 7 --measure 'uniform(0,2)' | jq -c '[.converged, .n_total, .integral]'
qmc-sample integrate tell st other.npy; echo $?
echo nonsense > bad && qmc-sample integrate ask bad -o pts.npy 2> /dev/null; echo $?
qmc-sample integrate ask new -o pts.npy; echo $?
qmc-sample integrate ask new -o pts.npy -d 2 --algo mlmc; echo $?
