# .ckz holds the same tensors in less room, is read like any format, and plain zstd reads its streams.
source=$TESTDATA/ckpt-convert/sharded-safetensors-bf16
ckpt-convert manifest "$source" >m
ckpt-convert compress "$source" a.ckz
ckpt-convert compress "$source" a.ckz
ckpt-convert manifest a.ckz | cmp - m && ckpt-convert verify a.ckz --manifest m --no-frame
ckpt-convert decompress a.ckz back.safetensors
ckpt-convert manifest back.safetensors | cmp - m
ckpt-convert convert a.ckz back.pt && ckpt-convert manifest back.pt | cmp - m
for threads in 1 2 7; do
  ckpt-convert compress "$source" - --threads $threads | cmp - a.ckz
  STATEUTILS_ISA=scalar ckpt-convert compress "$source" - --threads $threads | cmp - a.ckz
done
ckpt-convert decompress - - <a.ckz | cmp - back.safetensors
[ "$(stat -c %s a.ckz)" -lt "$(stat -c %s back.safetensors)" ] && echo smaller

# Against a base: small, and of no use with another one.
ckpt-convert convert a.ckz other.safetensors --dtype f16
ckpt-convert compress back.safetensors d.ckz --base a.ckz
[ "$(stat -c %s d.ckz)" -lt $(($(stat -c %s a.ckz) / 4)) ] && echo much smaller
ckpt-convert decompress d.ckz e.safetensors || echo exit $?
ckpt-convert decompress d.ckz e.safetensors --base other.safetensors || echo exit $?
ckpt-convert decompress d.ckz e.safetensors --base a.ckz && cmp e.safetensors back.safetensors
ckpt-convert verify d.ckz --no-frame || echo exit $?
ckpt-convert verify d.ckz --base back.safetensors --no-frame

# A byte that changed is found by the hash of its tensor.
size=$(stat -c %s a.ckz)
printf '\377' | dd of=a.ckz bs=1 seek=$((size - 100)) conv=notrunc 2>/dev/null
ckpt-convert verify a.ckz --no-frame >report || echo exit $?
ckpt-convert decompress a.ckz f.safetensors 2>message || echo exit $?
[ -e f.safetensors ] || echo nothing written
