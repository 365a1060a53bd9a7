cat >task.json <<'T'
{"init":{"overlay":{"events":[{"id":"e7f2","title":"Seattle release review","start":"2026-03-10T09:00Z","_kind":"stale"}]}},
 "contract":{"require":[{"id":"moved","table":"events","match":{"title":"Seattle release review","start":"2026-03-12T14:00Z"},"count":{"eq":1}}],
 "frame":{"default":"deny","allow":[{"table":"events","op":"update","match":{"key":"e7f2","fields":["start"]}}]}}}
T
echo '{"events":[{"id":"e7f2","title":"Seattle release review","start":"2026-03-12T15:00+01:00"}]}' >right.json
echo '{"events":[{"id":"aaaa","title":"Seattle release review","start":"2026-03-12T14:00Z"}]}' >wrong.json
gen-bench judge --task task.json --state right.json
echo $?
gen-bench judge --task task.json --state wrong.json
echo $?
