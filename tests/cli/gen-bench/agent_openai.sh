# The adapter speaks to a chat endpoint; here a small server on loopback that knows the plans.
command -v python3 >/dev/null && command -v curl >/dev/null || exit 77
gen-bench generate --family conflict17 -n 2 --quiet --no-frame | head -1 >tasks
grep task_id tasks | jq -c '{instruction, plan: .reference[0]}' >plans
cat >server.py <<'P'
import http.server, json
plans = [json.loads(l) for l in open('plans')]
class H(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_POST(self):
        assert self.path == '/v1/chat/completions' and self.headers['Authorization'] == 'Bearer secret'
        q = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        assert q['model'] == 'test' and q['messages'][0]['role'] == 'system'
        said = [m for m in q['messages'] if m['role'] == 'assistant']
        plan = [p for p in plans if q['messages'][1]['content'].startswith(p['instruction'])][0]['plan']
        c = plan[len(said)] if len(said) < len(plan) else 'done'
        if c.startswith('done'): r = json.dumps({'done': True, 'answer': json.loads(c[5:] or 'null')})
        else: r = 'I look first.\n```json\n' + json.dumps({'command': c}) + '\n```'
        b = json.dumps({'choices': [{'message': {'content': r}}], 'usage': {'prompt_tokens': 10, 'completion_tokens': 2}}).encode()
        self.send_response(200); self.send_header('Content-Length', str(len(b))); self.end_headers(); self.wfile.write(b)
s = http.server.HTTPServer(('127.0.0.1', 0), H)
open('port', 'w').write(str(s.server_port))
s.serve_forever()
P
timeout 60 python3 server.py & server=$!
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
OPENAI_BASE_URL=http://127.0.0.1:$(cat port)/v1
export OPENAI_BASE_URL OPENAI_API_KEY=secret OPENAI_MODEL=test no_proxy='*'
gen-bench run --agent "cmd:$STATEUTILS_SOURCE/scripts/agent-openai" --limit step_timeout_ms=30000 tasks |
  jq -c 'select(.task_id)|[.verdict.strict,.end,.tokens.out > 2]'
kill $server
OPENAI_BASE_URL=http://127.0.0.1:1 gen-bench run --quiet --agent "cmd:$STATEUTILS_SOURCE/scripts/agent-openai" --limit step_timeout_ms=30000 tasks |
  jq -c 'select(.task_id)|.end' | sort -u
