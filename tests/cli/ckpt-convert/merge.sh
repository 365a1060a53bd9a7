# Parts become one checkpoint; equal ones are averaged in double.
cp "$TESTDATA/ckpt-convert/torch-made/many_small.zip.pt" .
src=many_small.zip.pt
ckpt-convert convert "$src" a.safetensors --include '^layer\.[0-4]\.'
ckpt-convert convert "$src" b.safetensors --exclude '^layer\.[0-4]\.'
ckpt-convert merge a.safetensors b.safetensors whole.safetensors
ckpt-convert manifest "$src" >want
ckpt-convert manifest whole.safetensors | cmp - want && echo whole
ckpt-convert merge a.safetensors "$src" x.safetensors
echo "exit $?"
ckpt-convert merge "$src" "$src" same.safetensors --op mean
ckpt-convert manifest same.safetensors | cmp - want && echo mean
ckpt-convert merge "$src" "$src" weighted.npz --op weighted=0.25,0.75 --threads 3
ckpt-convert manifest weighted.npz | cmp - want && echo weighted
ckpt-convert merge "$src" a.safetensors x.safetensors --op mean
echo "exit $?"
ckpt-convert merge "$src" "$src" x.safetensors --op weighted=1
echo "exit $?"
ckpt-convert merge "$src" "$src" x.safetensors --op sum
echo "exit $?"
ckpt-convert merge "$src" "$src" same.safetensors --op mean
