#!/usr/bin/env bash
# Malformed logs: exit 3 with file and line.
try() { printf '%b' "$1" >log.jsonl; shift; sbus-check audit --no-frame --summary "$@" log.jsonl | cut -c 1-60; echo "exit ${PIPESTATUS[0]}"; }
good='{"op":"get","agent":"a","key":"k","status":200,"version":0}'
try ''
try "$good\r\n\r\n$good"
try "$good\n{\"op\":\"get\"}\n"
try "$good\n{\"op\":\"get\"}\n$good\n" --skip-bad
try "$good\n{\"op\":\n$good\n" --skip-bad
try "$good\n{\"op\":\"ge"
try "$good\n{\"op\":\"ge" --tail
try '{"format":"stateutils.oplog","version":1}\n'"$good\n"
try '{"format":"stateutils.oplog","version":1}\n'"$good\n" --tail
try '{"format":"stateutils.oplog","version":1}\n'"$good\n"'{"end":true,"records":1}\n'
try '{"format":"stateutils.oplog","version":1}\n'"$good\n"'{"end":true,"records":2}\n'
try '{"format":"stateutils.requests","version":1}\n'
try '{"format":"stateutils.oplog","version":2}\n'
try '[1]\n'
try '{"op":"get","agent":"a","key":"\xff","status":200,"version":0}\n'
try '{"op":"get","agent":"a","key":"k","status":200,"version":-1}\n'
try '{"op":"get","agent":"a","key":"k","status":200,"version":9223372036854775808}\n'
try '{"op":"get","agent":"a","agent":"b","key":"k","status":200,"version":1}\n'
sbus-check audit absent.jsonl; echo "exit $?"
sbus-check audit --own-writes sometimes; echo "exit $?"
printf '%s\n' "$good" | sbus-check audit - >/dev/full; echo "exit $?"
