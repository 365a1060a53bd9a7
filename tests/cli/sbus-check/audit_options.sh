#!/usr/bin/env bash
log=$TESTDATA/sbus-check/ori_buggy.jsonl
echo "first:"; sbus-check audit --own-writes keep --first --no-frame --summary "$log"
echo "max-report:"; sbus-check audit --own-writes keep --max-report 2 --summary "$log"
echo "two files:"
head -n 72 "$log" >one.jsonl
tail -n +73 "$log" | head -n 10 >two.jsonl
sbus-check audit --no-frame one.jsonl two.jsonl
echo "compressed, from stdin:"; zstd -qc "$log" | sbus-check audit --no-frame - | wc -l
echo "table:"; sbus-check audit --table always --ttl 1us "$log"
sbus-check audit -o found.jsonl "$log"; echo "exit $?"; tail -n 1 found.jsonl
sbus-check audit --summary --json=sum.json "$log" >/dev/null; grep -o '"xs_pairs":[0-9]*' sum.json
