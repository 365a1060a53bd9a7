# A pipeline stage that is lost comes back from its neighbours.
cat >stages.json <<'JSON'
{"stages":[["embed","layers\\.0\\."],["layers\\.1\\."],["layers\\.2\\.","head"]]}
JSON
printf '{"grad_norms":[1.0, null, 2.0]}' >grad.json
data=$TESTDATA/ckpt-convert/deepspeed/zero1-tp2-pp1-dp2/global_step7
ckpt-convert convert "$data" two.safetensors --include '^layers\.[01]\.mlp' --quiet
printf '[["layers\\\\.1\\\\.", "layers.2."]]' >rename
ckpt-convert convert two.safetensors lost.safetensors --rename rename
ckpt-convert inspect lost.safetensors --no-frame | head -4 | cut -d, -f1
for mode in norm2 norm equal copy; do
  ckpt-convert repair lost.safetensors $mode.safetensors --method neighbour --stage 1 \
    --stages stages.json --weights grad.json --weight-mode $mode
  ckpt-convert verify $mode.safetensors --no-frame
done
ckpt-convert inspect copy.safetensors --no-frame | grep -c 'layers.1'
ckpt-convert repair lost.safetensors x.safetensors --method neighbour --stage 0 --stages stages.json || echo exit $?
ckpt-convert repair lost.safetensors x.safetensors --method neighbour --stage 1 --stages stages.json || echo exit $?
ckpt-convert repair lost.safetensors first.safetensors --method copy --stage 0 --from-stage 2 --stages stages.json
ckpt-convert diff first.safetensors lost.safetensors --no-frame | tail -1
printf '{"stages":[[1]]}' >bad.json
ckpt-convert repair lost.safetensors x.safetensors --method neighbour --stage 0 --stages bad.json || echo exit $?
