# Flat files per rank and layout.json, read back as one checkpoint; layouts of the user's own.
data=$TESTDATA/ckpt-convert/deepspeed/zero1-tp2-pp2-dp2
ckpt-convert convert "$data" whole.safetensors
ckpt-convert manifest whole.safetensors >want
ckpt-convert reshard "$data" ranks --tp 3 --pp 2 --zero 0 --to safetensors
ls ranks
ckpt-convert manifest ranks | cmp - want && echo ranks
ckpt-convert verify ranks --manifest want --replicas --no-frame
ckpt-convert reshard ranks again --to pt --layout ranks/layout.json
ckpt-convert inspect again --no-frame | tail -n 1 | jq -c .summary.tensors
ckpt-convert reshard "$data" one --tp 1 --pp 1 --to safetensors
ckpt-convert manifest one | cmp - want && echo one
ckpt-convert reshard "$data" x --tp 2 --to npz
echo "exit $?"
cat >cut.json <<'JSON'
{"version":1,"tensors":{"w":{"shape":[4,3],"pieces":[
  {"file":"a.safetensors","offset":[0,0],"size":[1,3]},
  {"file":"b.safetensors","name":"rest","offset":[1,0],"size":[3,2]},
  {"file":"c.safetensors","offset":[1,2],"size":[3,1],"kind":"slice"},
  {"file":"d.safetensors","offset":[0,0],"size":[4,3],"kind":"replica"}]}}}
JSON
{ printf '\223NUMPY\001\000\166\000'; printf "%-117s\n" "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 3), }"; printf abcdefghijkl; } >w.npy
echo '[["tensor","w"]]' >rename
ckpt-convert convert w.npy w.safetensors --rename rename
ckpt-convert reshard w.safetensors cut --layout cut.json
ckpt-convert extract cut/b.safetensors rest - --to npy | tail -c 6; echo
rm cut/layout.json
ckpt-convert extract cut w - --src-layout cut.json | tail -c 12; echo
sed -i 's/\[3,2\]/[2,2]/' cut.json
ckpt-convert reshard w.safetensors x --layout cut.json
echo "exit $?"
ls -d x x.partial 2>&1 | wc -l
ckpt-convert reshard "$TESTDATA/ckpt-convert/megatron-tp2-pp2" meg --tp 1 --pp 4
find meg -type f | sort
ckpt-convert manifest meg >a; ckpt-convert manifest "$TESTDATA/ckpt-convert/megatron-tp2-pp2" | cmp - a && echo megatron
ckpt-convert convert whole.safetensors dcp --to dcp --ranks 3
ls -A dcp
ckpt-convert manifest dcp | cmp - want && echo dcp
ckpt-convert convert "$data" u --to universal && ls u
ckpt-convert convert u d --to deepspeed && cat latest && echo
ckpt-convert convert "$TESTDATA/ckpt-convert/gguf/tiny.gguf" f32.gguf --dtype F32 && ckpt-convert inspect f32.gguf --no-frame | tail -n 1
