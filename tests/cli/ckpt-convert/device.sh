# A CUDA device gives what the CPU gives; where there is none, one line says so and nothing is written.
source=$TESTDATA/ckpt-convert/sharded-safetensors-bf16
ckpt-convert convert "$source" w.safetensors --include '^dense6' --quiet
quantize() { ckpt-convert quantize w.safetensors "$1.safetensors" --device "$1" --v 4 --k 16 --res-k 4 --seed 1 --quiet; }
snapshot() {
  ckpt-convert snapshot --source synthetic:3000008 --device "$1" --every 2 --steps 4 --step-ms 1 --out "$1" \
    --pool 12Mi --no-sync --quiet -o "$1.jsonl"
}
for command in quantize snapshot; do
  $command cpu >$command.cpu
  code=0
  $command cuda >$command.cuda 2>cuda.err || code=$?
  if [ $code -eq 4 ] && grep -q "^ckpt-convert $command: no CUDA device: " cuda.err; then
    ls -d cuda cuda.safetensors 2>/dev/null || true
  elif [ $code -ne 0 ]; then
    echo "$command: exit $code"
  else
    cmp $command.cpu $command.cuda || true
  fi
done
[ ! -e cuda.safetensors ] || cmp cpu.safetensors cuda.safetensors || true
for file in cuda/step-*; do
  [ ! -e "$file" ] || cmp "$file" "cpu/${file#*/}"
done
ckpt-convert snapshot --source w.safetensors --device cuda --out x || echo exit $?
