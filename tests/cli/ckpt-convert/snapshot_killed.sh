# SIGKILL at any moment leaves whole snapshots only, and `latest` names one of them.
for delay in 0.02 0.05 0.09 0.14 0.2 0.3; do
  ckpt-convert snapshot --source synthetic:2Mi --steps 300 --step-ms 0 --out out --pool 4Mi --quiet >/dev/null &
  sleep $delay
  kill -KILL $! 2>/dev/null
  wait $! 2>/dev/null
  for file in out/step-*; do
    [ -e "$file" ] || continue
    step=$(basename "$file" .safetensors | sed 's/step-0*//')
    ckpt-convert inspect --stats --no-frame "$file" | grep -o '"min":[0-9]*,"max":[0-9]*' | uniq |
      grep -qx "\"min\":$step,\"max\":$step" || echo "$file is not whole"
  done
  [ ! -e out/latest ] || [ -e "out/$(cat out/latest)" ] || echo "latest names no file"
  rm -f out/step-*.safetensors out/latest
done
# The next run clears what a dead one left under the name that it writes.
ckpt-convert snapshot --source synthetic:2Mi --steps 300 --every 300 --step-ms 0 --out out --no-sync --quiet >/dev/null
cat out/latest
