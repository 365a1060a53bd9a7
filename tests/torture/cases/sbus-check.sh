# shellcheck shell=bash
log=$TESTDATA/sbus-check/ori_buggy.jsonl
torture_case audit-file writer 'sbus-check audit @IN@ -o @OUT@' in="$log" ok=1
torture_case audit-pipe filter 'sbus-check audit @IN@' in="$log" ok=1
torture_case audit-stdin filter '<@IN@ sbus-check audit -' in="$log" ok=1
torture_case model filter 'sbus-check model --agents 2 --shards 1' mask='"(seconds|states_per_s)":[^,]*'
torture_case audit-html writer 'sbus-check audit @IN@ -o /dev/null --html @OUT@' in="$log" ok=1
torture_case history-file writer 'sbus-check history @IN@ -o @OUT@' in="$TESTDATA/sbus-check/porcupine/c01-bad.txt" ok=1
