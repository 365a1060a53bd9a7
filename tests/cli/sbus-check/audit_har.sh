#!/usr/bin/env bash
# An archive of the server's endpoints, entries out of order, one body in base64.
entry() { # start, ms, method, path, request body, status, response content, extra headers
  printf '{"startedDateTime":"2024-01-02T03:04:%s.000Z","time":%s,"request":{"method":"%s","url":"http://h:7000%s","headers":[%s],"postData":{"text":%s}},"response":{"status":%s,"headers":[{"name":"ETag","value":"\\"0\\""}],"content":%s}}' "$@"
}
{
  echo '{"log":{"version":"1.2","entries":['
  entry 05 10 POST /commit '' '"{\"key\":\"k\",\"expected_version\":0,\"agent_id\":\"a\",\"delta\":\"x\"}"' 200 '{"text":"{\"new_version\":2}"}'; echo ,
  entry 01 10 GET '/shard/k?agent_id=a' '' '""' 200 '{"text":"eyJ2ZXJzaW9uIjowfQ==","encoding":"base64"}'; echo ,
  entry 02 10 GET '/shard/k?agent_id=b' '' '""' 200 '{"text":""}'; echo ,
  entry 03 10 POST /commit/v2 '' '"{\"key\":\"k\",\"expected_version\":0,\"agent_id\":\"b\",\"delta\":\"x\"}"' 200 '{"text":"{\"new_version\":1}"}'; echo ,
  entry 04 10 GET /metrics '' '""' 200 '{"text":""}'
  echo ']}}'
} >trace.har
sbus-check audit --summary --no-frame trace.har; echo "exit $?"
sbus-check audit --order interval --no-frame trace.har | grep -o '"certainty":"[a-z]*"'
echo '{"log":{}}' | sbus-check audit -; echo "exit $?"
echo '{"log":{"entries":[{"request":{}}]}}' | sbus-check audit -; echo "exit $?"
