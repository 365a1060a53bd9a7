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
