#!/usr/bin/env bash
# The synthetic logs, both own-write modes; exit 1 where a violation was found.
for log in clean buggy; do
  for mode in refresh keep; do
    sbus-check audit --own-writes $mode --summary --no-frame "$TESTDATA/sbus-check/ori_$log.jsonl" >out
    echo "$log $mode: exit $?"
    tail -n 1 out
  done
done
sbus-check audit "$TESTDATA/sbus-check/ori_buggy.jsonl"
