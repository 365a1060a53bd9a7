echo '{"samples":[0.5,1,1,4],"benefit":3}' | kv-sim explain ttl
echo '{"lengths":[2,4,8]}' >eta.json
kv-sim explain eta eta.json
echo '{"running":"A","edges":[["A","B"],["B","E"],["F","E"]],"and":["E"],"known":{"F":5}}' | kv-sim explain steps
echo '{"blocks":60,"groups":2,"layers":32,"bytes_per_block":2097152,"t_call":1e-5,"bw":32e9}' | kv-sim explain swap
echo '{"p":8192,"d":8192,"layers":80,"gqa":8,"s":2,"flops":2.496e15}' | kv-sim explain reload
echo '{"benefit":1,"extra":2}' | kv-sim explain ttl
echo "exit $?"
kv-sim explain entropy </dev/null
echo "exit $?"
kv-sim comm --algo twoshot -n 8 --size 64MiB --alpha 5us --bw 400GB/s
kv-sim comm -n 8 --size 64MiB --alpha 5us --bw fast
echo "exit $?"
printf '7\n5\n4\n4\n3\n3\n' | kv-sim balance --devices 2 --method exact
printf '7\nx\n' | kv-sim balance --devices 2
echo "exit $?"
for mode in sync periodic stale:1; do
  printf 'batch,rollout_s,train_s\n0,1,1\n0,1,1\n1,1,1\n1,1,1\n' | kv-sim rlpipe --mode $mode
done
printf 'batch,rollout_s\n0,1\n' | kv-sim rlpipe
echo "exit $?"
printf '3\n3\n2\n2\n2\n' | kv-sim balance --devices 2 --method lp
printf '10\n' | kv-sim balance --devices 2 --cost quadratic --shard 4
printf '2000000000\n' | kv-sim balance --devices 2 --shard 1
echo "exit $?"
kv-sim calibrate --model llama9
echo "exit $?"
kv-sim calibrate --device 1000 2>message
echo "exit $?, $(wc -l <message) line"
