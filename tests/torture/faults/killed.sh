# shellcheck shell=bash disable=SC2034,SC2154
# SIGKILL at chosen calls and at random moments: the destination is old or new, and the next run
# succeeds and clears away what the dead one left, even when it has the same process id.
needs_strace

# survives LABEL: after the kill.
survives() {
  local label=$1
  if [ "$kind" != filter ] && [ -e "$OUT" ]; then
    old_or_new || fail "$label: the destination is torn"
  fi
  if [ "$once" -eq 1 ]; then rm -rf "$OUT"; fi
  launch
  had_old=0
  holds "$label, then run again" "$ok"
}

# killing SECONDS COMMAND...: and waits until it is dead.
killing() {
  local moment=$1 child
  shift
  "$@" <&0 &
  child=$!
  sleep "$moment"
  kill -KILL $child
  wait $child
}

torture() {
  local call k span i
  [ "$kind" = filter ] && return
  for call in write pwrite64 fdatasync fsync close rename openat mkdir; do
    for k in $(moments "$call" 3 200); do
      fresh_box "$(old_or_none "$k")"
      launch strace -f -qq -o /dev/null -e trace="$call" -e "inject=$call:signal=KILL:when=$k"
      survives "killed at $call $k"
    done
  done
  fresh_box none
  span=$(date +%s%N)
  launch
  span=$((($(date +%s%N) - span) / 1000000 + 1))
  for ((i = 0; i < $(depth 5 50); i++)); do
    fresh_box "$(old_or_none $i)"
    launch killing "$(awk "BEGIN { printf \"%.4f\", $((RANDOM % (span + 2) + 1)) / 1000 }")"
    survives "killed at a random moment"
  done
  # A command that changes a given folder leaves nothing beside it.
  [ -n "$given" ] || same_process_id
}

# Process numbers come again, above all in containers: a leftover that bears our own is stale too.
same_process_id() {
  fresh_box none
  # shellcheck disable=SC2016  # the inner shell's words
  launch bash -c ': >"$0/.$1.tmp.$$"; shift; exec "$@"' "$box" "out$ext"
  holds "a leftover with the same process id" "$ok"
}
