# Every element of a snapshot is the step in its name, in every mode.
for mode in blocking copy lazy; do
  ckpt-convert snapshot --source synthetic:3000008 --every 2 --steps 5 --step-ms 1 --out $mode \
    --mode $mode --pool 1Mi --no-sync --no-frame | sed 's/_ms":[0-9.e-]*/_ms":T/g; s/_mean":[0-9.e-]*/_mean":T/'
  cat $mode/latest
  for file in "$mode"/step-*; do
    ckpt-convert inspect --stats --no-frame "$file" | grep -o '"min":[0-9]*,"max":[0-9]*' | uniq
  done
done

# A file is copied once; the second level is erasure-coded.
ckpt-convert snapshot --source lazy/step-00000004.safetensors --steps 9 --out one --mirror two --quiet |
  grep -c fence
ckpt-convert diff one/step-00000009.safetensors lazy/step-00000004.safetensors --no-frame | tail -1
rm two/step-00000009/step-00000009.safetensors
truncate -s 10 two/step-00000009/.parity/p00.bin
ckpt-convert repair two/step-00000009 --quiet || echo exit $?
ckpt-convert snapshot --source synthetic:12 --out x || echo exit $?
ckpt-convert snapshot --source absent --out x || echo exit $?
