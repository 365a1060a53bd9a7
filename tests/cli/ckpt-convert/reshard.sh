# DeepSpeed to another layout, to universal, to safetensors; the second run does nothing.
data=$TESTDATA/ckpt-convert/deepspeed
ckpt-convert reshard "$data/zero1-tp2-pp1-dp2" run/global_step7 --tp 1 --pp 2 --dp 3 2>&1; echo "exit $?"
mkdir run
ckpt-convert reshard "$data/zero1-tp2-pp1-dp2" run/global_step7 --tp 1 --pp 2 --dp 3
find run -type f | sort; cat run/latest; echo
ckpt-convert manifest "$data/zero1-tp2-pp1-dp2" >a
ckpt-convert manifest run | cmp - a && echo same
ckpt-convert reshard "$data/zero1-tp2-pp1-dp2" run/global_step7 --tp 1 --pp 2 --dp 3
ckpt-convert reshard run universal --to universal
ckpt-convert verify universal --replicas --no-frame
ckpt-convert convert run weights.safetensors
ckpt-convert convert universal weights2.safetensors
cmp weights.safetensors weights2.safetensors && ckpt-convert inspect run --no-frame | tail -1
ckpt-convert reshard run x --zero 0; echo "exit $?"
ckpt-convert reshard "$data/zero3-dp4" x --tp 2; echo "exit $?"
ckpt-convert reshard run x --tp 2 --dry-run | tail -2 | cut -c1-60
