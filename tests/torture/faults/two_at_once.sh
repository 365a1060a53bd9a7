# shellcheck shell=bash disable=SC2154
# Two writers of one destination: each finishes or fails, and what stays is one of them, whole.
torture() {
  local i first second
  [ "$kind" = filter ] && return
  for ((i = 0; i < $(depth 5 50); i++)); do
    fresh_box "$(old_or_none $i)"
    {
      launch
      exit "$code"
    } &
    first=$!
    launch
    second=$code
    wait $first
    first=$?
    for code in $first $second; do
      case $code in "$ok" | 4) ;; *) fail "two at once: expected $ok or 4" ;; esac
    done
    if [ $first -ne "$ok" ] && [ "$second" -ne "$ok" ]; then fail "two at once: neither succeeded"; fi
    same "$reference" "$OUT" || fail "two at once: the destination is torn"
    [ -z "$(temporaries)" ] || fail "two at once: left behind: $(temporaries)"
  done
  [ "$takes_lock" -eq 0 ] || busy_lock
}

# A lock that another process holds ends the run at once; a lock file of a dead one does not.
busy_lock() {
  local unlocked=$command
  command="$command --lock \"\$work/lock\""
  fresh_box old
  launch flock "$work/lock"
  holds "a lock held by another process" 4
  fresh_box old
  launch
  holds "a lock file that nobody holds" "$ok"
  command=$unlocked
}
