# Each escape is tried twice: without the sandbox it works (the control), inside it does not.
[ -z "${STATEUTILS_SANITIZED:-}" ] || exit 77  # shadow memory does not fit into the address space of a trial
command -v bwrap >/dev/null && bwrap --unshare-all --ro-bind / / true 2>/dev/null || exit 77
gen-bench generate --family conflict17 -n 1 --quiet --no-frame -o task
id=$(jq -r .task_id task)
outside=$(mktemp -d); chmod 755 "$outside"; mkdir -m 777 "$outside/open" states
echo secret >"$outside/file"; chmod 644 "$outside/file"
sleep 300 & victim=$!
export OUTSIDE_SECRET=leaked
# try NAME COMMAND: "escaped" is what an escape prints.
try() {
  jq -nc --arg id "$id" --arg c "$2" '{task_id: $id, commands: [$c]}' >plan.jsonl
  for sandbox in none bwrap; do
    gen-bench run --agent replay:plan.jsonl --surface shell --sandbox $sandbox --keep-output --keep-states states --limit step_timeout_ms=5000 task |
      jq -r --arg n "$1 $sandbox" 'select(.task_id)|.steps[0]|$n + ": " + (if .stdout|contains("escaped") then "escaped" else "held" end)'
  done
}
try 'read a file outside' "grep -q secret $outside/file && echo escaped"
try 'write outside' "echo x >$outside/open/\$\$ && echo escaped"
try 'edit files beside the journal' "touch $PWD/states/x && echo escaped"
try 'read the tasks' "grep -q reference $PWD/task && echo escaped"
try 'see other processes' "[ -e /proc/$victim/stat ] && echo escaped"
try 'read the environment' 'grep -qs . /proc/*/environ; cat /proc/*/environ 2>/dev/null | tr "\0" "\n" | grep -q OUTSIDE_SECRET=leaked && echo escaped'
try 'symlink to the outside' "ln -s $outside/file l && grep -q secret l && echo escaped"
try 'climb out of the folder' "cat ../../../../../..$outside/file | grep -q secret && echo escaped"
try 'reach loopback' '(exec 3<>/dev/tcp/127.0.0.1/'"$(cat /tmp/none 2>/dev/null || echo 1)"') 2>&1 | grep -q refused && [ -e /sys/class/net ] && echo escaped; true'
[ "$(id -u)" -ne 0 ] || try 'act as root' 'chown 0:0 . 2>/dev/null; mount -t tmpfs x /mnt 2>/dev/null && umount /mnt && echo escaped; [ "$(id -u)" = 0 ] && echo escaped'
try 'overwrite the verbs' "echo x >\"\$(command -v tasks)\" 2>/dev/null && echo escaped"
kill $victim
# A fork bomb ends with its trial, and the machine goes on.
jq -nc --arg id "$id" '{task_id: $id, commands: ["b() { b | b & }; b; sleep 20"]}' >plan.jsonl
gen-bench run --agent replay:plan.jsonl --surface shell --limit step_timeout_ms=1500 task | jq -c 'select(.task_id)|.end'
gen-bench run --agent builtin:oracle --surface shell task | jq -c 'select(.task_id)|.verdict.strict'
rm -rf "$outside"
