# The shell surface: the same verdicts as on the simulated one, a real shell around the verbs, and
# nothing left running.
[ -z "${STATEUTILS_SANITIZED:-}" ] || exit 77  # shadow memory does not fit into the address space of a trial
command -v bwrap >/dev/null && bwrap --unshare-all --ro-bind / / true 2>/dev/null || exit 77
gen-bench generate --family conflict17 -n 6 --quiet -o tasks
strict() { jq -c 'select(.task_id)|[.verdict.strict,.end,.sandbox,.weak_isolation]' | sort | uniq -c | sed 's/^ *//'; }
mkdir bundles
gen-bench run --agent builtin:oracle --surface shell --bundle bundles tasks | strict
gen-bench run --agent builtin:oracle --surface shell --runtime reset tasks | strict
gen-bench run --agent builtin:oracle --surface shell --sandbox rlimit tasks | strict
for b in bundles/*; do gen-bench run --replay "$b" tasks -o again || echo "$b differs"; done
grep task_id tasks | head -1 >task
id=$(jq -r .task_id task)
# plan COMMAND...: what the commands print, on the shell surface.
plan() {
  jq -nc --arg id "$id" '{task_id: $id, commands: $ARGS.positional}' --args -- "$@" >plan.jsonl
  gen-bench run --agent replay:plan.jsonl --surface shell --keep-output $LIMITS task |
    jq -c 'select(.task_id)|.steps[]|[.exit,.stdout,.stdout_bytes]'
}
LIMITS=
plan 'x=7; cd /tmp; pwd' 'echo $x; pwd' 'tasks list | jq length >/dev/null 2>&1; echo "pipe"' 'exit 3' 'echo new shell: $x' \
  'printf "\377\376a"' 'printf "%s" "$HOME $PATH" ; env | grep -c SECRET' 'cat' 'nonsense --x'
LIMITS='--limit output_bytes=64'
plan 'head -c 10000000 /dev/zero | tr "\0" x' 'yes | head -c 5000000 >/dev/null; echo done'
LIMITS='--limit step_timeout_ms=400'
plan 'echo before' 'sleep 30' 'echo never'
jq -nc --arg id "$id" '{task_id: $id, commands: ["(setsid sleep 7654 >/dev/null 2>&1 &) ; echo started", "nohup sleep 7655 & disown; echo two"]}' >plan.jsonl
for sandbox in bwrap rlimit none; do
  gen-bench run --agent replay:plan.jsonl --surface shell --sandbox $sandbox task | jq -c 'select(.task_id)|[.end,[.steps[].exit]]'
  pgrep -f 'sleep 765[45]' && echo "left running: $sandbox"
done
cat >solo.sh <<'P'
#!/bin/sh
cat instruction.txt >/dev/null && grep -q '"type":"task"' task.json || exit 9
tasks list >/dev/null; calendar list | head -c 1 >/dev/null
gb-done '"x"'
P
chmod +x solo.sh
gen-bench run --agent shell:./solo.sh task | jq -c 'select(.task_id)|[.end,.answer,[.steps[].cmd]]'
gen-bench run --agent 'shell:sh -c "while :; do tasks list; done >/dev/null"' task | jq -c 'select(.task_id)|[.end,(.steps|length)]'
gen-bench run --agent 'shell:sleep 30' --limit episode_timeout_ms=300 task | jq -c 'select(.task_id)|.end'
# Where namespaces are not to be had, the run is refused; weak isolation must be asked for.
nested() { TMPDIR=$PWD bwrap --unshare-user --disable-userns --ro-bind / / --bind "$PWD" "$PWD" --proc /proc --dev /dev --chdir "$PWD" "$@"; }
nested gen-bench run --agent builtin:oracle --surface shell task; echo $?
