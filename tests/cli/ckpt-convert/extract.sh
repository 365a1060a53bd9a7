cp "$TESTDATA"/ckpt-convert/torch-made/tied.zip.pt a.pt
ckpt-convert extract a.pt other - | od -An -c | head -4
ckpt-convert extract a.pt other lm_head.weight b.safetensors && ckpt-convert inspect b.safetensors --no-frame
ckpt-convert extract a.pt absent c.npy; echo "exit $?"
ckpt-convert extract a.pt other; echo "exit $?"
ckpt-convert convert "$TESTDATA"/ckpt-convert/dcp-fsdp2 d.npz --include '^model' --dtype f32
ckpt-convert inspect d.npz --no-frame | tail -1
ckpt-convert verify "$TESTDATA"/ckpt-convert/megatron-tp2-pp2 --replicas --no-frame
