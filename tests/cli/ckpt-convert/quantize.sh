# Matrices become codebooks and indices, and matrices again.
source=$TESTDATA/ckpt-convert/sharded-safetensors-bf16
ckpt-convert convert "$source" w.safetensors --include '^dense6' --quiet
for options in '--v 4 --k 16' '--v 2 --k 16 --res-k 4 --groups 3 --norm minmax --perm' \
  '--v 6 --k 8 --outlier-percent 10 --outlier-v 2 --outlier-k 4 --norm std'; do
  ckpt-convert quantize w.safetensors q.safetensors $options --seed 1 --kiter 20 --threads 1 --quiet --force >a
  cp q.safetensors first
  ckpt-convert quantize w.safetensors q.safetensors $options --seed 1 --kiter 20 --threads 3 --quiet --force | cmp - a
  cmp q.safetensors first
  ckpt-convert dequantize q.safetensors back.safetensors --force
  ckpt-convert diff w.safetensors back.safetensors --no-frame --atol 10 | tail -1
  grep -c proxy_error a
done
ckpt-convert quantize w.safetensors q.safetensors --v 4 --k 16 --quiet || echo exit $?
ckpt-convert quantize w.safetensors x.safetensors --k 100 || echo exit $?
ckpt-convert dequantize w.safetensors x.safetensors || echo exit $?
