# Every pair of formats gives the same manifest; the second run does nothing.
cp "$TESTDATA"/ckpt-convert/torch-made/tied.zip.pt source.pt
ckpt-convert manifest source.pt >a
for target in b.safetensors c.pt d.bin; do
  ckpt-convert convert source.pt $target
  ckpt-convert manifest $target | cmp - a && ckpt-convert verify $target --manifest a --no-frame
  ckpt-convert convert source.pt $target
done
ckpt-convert convert b.safetensors e.pt
ckpt-convert manifest e.pt | cmp - a
ckpt-convert convert source.pt - | cmp - b.safetensors
ckpt-convert convert source.pt folder/ --max-shard-size 100
find folder -type f | sort
ckpt-convert manifest folder | cmp - a
