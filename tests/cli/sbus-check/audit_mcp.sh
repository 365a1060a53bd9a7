#!/usr/bin/env bash
# A shared context store over MCP: reads of resources and calls of two tools.
echo '[{"tool":"ctx_get","op":"get","key":"$arg.key"},{"tool":"ctx_set","op":"commit","key":"ctx/$arg.key","agent":"$meta.who"}]' >rules.json
call() { echo "{\"jsonrpc\":\"2.0\",\"id\":$1,\"method\":\"tools/call\",\"params\":{\"name\":\"ctx_set\",\"arguments\":{\"key\":\"p\"},\"_meta\":{\"who\":\"$2\"}}}"; }
answer() { echo "{\"jsonrpc\":\"2.0\",\"id\":$1,\"result\":{\"isError\":${2-false}}}"; }
read_plan() { echo "{\"jsonrpc\":\"2.0\",\"id\":$1,\"method\":\"resources/read\",\"params\":{\"uri\":\"ctx/p\",\"_meta\":{\"agent_id\":\"$2\"}}}"; }
{
  read_plan 1 a; answer 1
  read_plan 2 b; call 3 b; answer 3; answer 2
  call 4 c; answer 4
  call 5 a; answer 5 true
  call '"x"' a; answer '"x"'
  echo '{"jsonrpc":"2.0","method":"notifications/progress"}'
} >mcp.jsonl
sbus-check audit --map rules.json --summary --no-frame mcp.jsonl; echo "exit $?"
