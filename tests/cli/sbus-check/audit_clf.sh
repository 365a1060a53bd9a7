#!/usr/bin/env bash
# An access log with rules: agents from the query, versions from an ETag column, or counted.
cat >rules.json <<'RULES'
{"rules":[
 {"method":"GET","path_regex":"^/shard/([^/?]+)","op":"get","key":"$1","agent":"$query.agent_id","version_from":"$col.8"},
 {"method":"PUT","path_regex":"^/shard/([^/?]+)","op":"commit","key":"$1","agent":"$user","version_from":"$col.8"},
 {"method":"POST","path_regex":"^/session$","op":"session","agent":"$user"}]}
RULES
line() { echo "10.0.0.1 - $1 [10/Oct/2000:13:55:3$2 -0700] \"$3\" $4 12 $5"; }
{
  line - 0 "GET /shard/plan%2F1?agent_id=a HTTP/1.1" 200 '"W/\"3\""'
  line - 1 "GET /favicon.ico HTTP/1.1" 404 -
  line b 2 "PUT /shard/plan%2F1 HTTP/1.1" 200 '"4"'
  line a 3 "PUT /shard/plan%2F1 HTTP/1.1" 200 '"5"'
  line a 4 "PUT /shard/plan%2F1 HTTP/1.1" 409 -
} >access.log
sbus-check audit --map rules.json --summary --no-frame access.log; echo "exit $?"
echo "without versions:"
sed 's/,"version_from":"$col.8"//' rules.json >plain.json
sbus-check audit --format clf --map plain.json --summary --no-frame access.log; echo "exit $?"
echo "bad:"
sbus-check audit access.log; echo "exit $?"
sbus-check audit --map absent.json access.log; echo "exit $?"
echo '[{"op":"get","key":"$nope"}]' >bad.json; sbus-check audit --map bad.json access.log; echo "exit $?"
echo '[{"op":"get","key":"$1","path_regex":"("}]' >bad.json; sbus-check audit --map bad.json access.log; echo "exit $?"
echo '[{"op":"get","key":"$1","pathregex":"x"}]' >bad.json; sbus-check audit --map bad.json access.log; echo "exit $?"
echo 'one two [' | sbus-check audit --format clf --map rules.json -; echo "exit $?"
echo 'one two [' | sbus-check audit --format clf --map rules.json --skip-bad --summary --no-frame - | grep -o '"skipped":1'
