cp "$TESTDATA"/ckpt-convert/torch-made/tied.zip.pt source.pt
echo '[["^embed\\.(.*)", "\\1.embedding"]]' >rename
ckpt-convert convert source.pt a.safetensors --rename rename --dtype bf16 --align 64
ckpt-convert inspect a.safetensors --no-frame
ckpt-convert convert source.pt b.safetensors --tied duplicate --exclude other --threads 7
ckpt-convert inspect b.safetensors --no-frame
ckpt-convert convert source.pt c.safetensors --dry-run --exclude lm_head
