# Requests for kv-sim: times drawn by seed, tokens counted by bytes or by a command.
gen-bench generate --family conflict17 -n 4 --quiet -o tasks.jsonl
gen-bench run --agent builtin:oracle --keep-output tasks.jsonl -o trials.jsonl
gen-bench trace --to kv --durations model --seed 7 trials.jsonl -o a
gen-bench trace --to kv --durations model --seed 7 trials.jsonl -o b
gen-bench trace --to kv --durations model --seed 8 trials.jsonl -o c
cmp a b && ! cmp -s a c && echo "times by seed"
jq -s -c 'map(select(.tools != null)|.tools[]|.duration_ms)|[length > 5, min > 1, max < 5000]' a
# Twice the bytes/4: half of the bytes.
cat >half.sh <<'EOF'
jq --unbuffered '(length + 1) / 2 | floor'
EOF
gen-bench trace --to kv --tokens 'sh half.sh' trials.jsonl --no-frame -o counted
jq -c 'select(.turn==1)|.out' counted | head -1
jq -r '.steps[1].cmd' trials.jsonl | sed -n 2p | awk '{print int((length($0)+1)/2)}'
gen-bench run --agent builtin:oracle tasks.jsonl | gen-bench trace --to kv --tokens 'sh half.sh' - >/dev/null
echo "exit $?"
gen-bench trace --to kv --tokens 'echo lots; cat' trials.jsonl >/dev/null
echo "exit $?"
gen-bench trace --to kv --tokens 'true' trials.jsonl >/dev/null
echo "exit $?"
