#!/usr/bin/env bash
# The same three operations in every order of lines; only the interval of the overwrite matters.
write() { echo "{\"op\":\"commit\",\"agent\":\"b\",\"key\":\"x\",\"status\":200,\"expected_version\":0,\"version\":1,\"start\":$1,\"end\":$2}"; }
rest() {
  echo '{"op":"get","agent":"a","key":"x","status":200,"version":0,"start":10,"end":12}'
  echo '{"op":"commit","agent":"a","key":"y","status":200,"expected_version":0,"version":1,"start":30,"end":40}'
}
{ write 20 29; rest; } | sbus-check audit --order interval --no-frame --summary; echo "exit ${PIPESTATUS[1]}"
{ rest; write 35 50; } | sbus-check audit --order interval --no-frame --summary; echo "exit ${PIPESTATUS[1]}"
{ write 41 50; rest; } | sbus-check audit --order interval --no-frame --summary; echo "exit ${PIPESTATUS[1]}"
sbus-check audit --order interval "$TESTDATA/sbus-check/ori_clean.jsonl"; echo "exit $?"
