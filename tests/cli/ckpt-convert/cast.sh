# Every known cast, then scales: the same bits for any number of threads.
jq -r '.rows[].f32' "$TESTDATA/ckpt-convert/known-answers/casts.json" | sed 's/\(..\)\(..\)\(..\)\(..\)/\\x\4\\x\3\\x\2\\x\1/' |
  while read -r bytes; do printf '%b' "$bytes"; done >bits
count=$(($(stat -c %s bits) / 4))
{ printf '\223NUMPY\001\000\166\000'; printf "%-117s\n" "{'descr': '<f4', 'fortran_order': False, 'shape': ($count,), }"; cat bits; } >f32.npy
for type in BF16 F16 F8_E4M3 F8_E5M2; do
  ckpt-convert cast f32.npy cast.safetensors --dtype $type --force
  ckpt-convert manifest cast.safetensors --no-frame
done
ckpt-convert cast f32.npy special.safetensors --dtype f8_e4m3 --overflow nan
ckpt-convert manifest special.safetensors --no-frame
src=$TESTDATA/ckpt-convert/sharded-safetensors-bf16
for scale in tensor row; do
  for threads in 1 2 7; do
    ckpt-convert cast "$src" $scale$threads.safetensors --dtype F8_E4M3 --scale $scale --threads $threads
  done
  cmp ${scale}1.safetensors ${scale}2.safetensors && cmp ${scale}1.safetensors ${scale}7.safetensors
  ckpt-convert inspect ${scale}1.safetensors --no-frame | head -n 3 | jq -c '[.name, .dtype, .shape]'
done
ckpt-convert cast f32.npy x.safetensors
echo "exit $?"
ckpt-convert cast f32.npy x.safetensors --dtype I8
echo "exit $?"
