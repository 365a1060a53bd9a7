cp "$TESTDATA"/ckpt-convert/torch-made/tied.zip.pt a.pt
ckpt-convert diff a.pt a.pt --no-frame; echo "exit $?"
ckpt-convert convert a.pt b.safetensors --dtype bf16
ckpt-convert convert b.safetensors c.safetensors --dtype f32
ckpt-convert diff a.pt b.safetensors --no-frame; echo "exit $?"
ckpt-convert diff a.pt c.safetensors --no-frame --include other; echo "exit $?"
ckpt-convert diff a.pt c.safetensors --no-frame --rtol 0.004; echo "exit $?"
ckpt-convert diff a.pt c.safetensors --no-frame --ulp 32768; echo "exit $?"
ckpt-convert convert a.pt d.pt --exclude other
ckpt-convert diff a.pt d.pt --no-frame; echo "exit $?"
# The picture: rows by name, numbers in them by value.
ckpt-convert convert "$TESTDATA"/ckpt-convert/torch-made/many_small.zip.pt e.safetensors
ckpt-convert convert e.safetensors f.safetensors --dtype f8_e4m3
ckpt-convert convert f.safetensors g.safetensors --dtype f32
ckpt-convert diff e.safetensors g.safetensors --svg d.svg -o diffs; echo "exit $?"
grep -o '>[^<]* tensors have[^<]*' d.svg
grep -o 'text-anchor="end">[^<]*' d.svg | sed -n '1,4p;$p'
ckpt-convert diff a.pt c.safetensors --svg -; echo "exit $?"
