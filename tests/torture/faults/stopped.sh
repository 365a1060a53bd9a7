# shellcheck shell=bash disable=SC2154
# SIGTERM, SIGINT and SIGHUP: death by that signal (or a finished run), nothing left behind.
needs_strace

torture() {
  local number call k
  for call in write read openat fdatasync; do
    for k in $(moments "$call" 2 200); do
      for number in 15 2 1; do
        fresh_box "$(old_or_none "$k")"
        launch strace -f -qq -o /dev/null -e trace="$call" -e "inject=$call:signal=$number:when=$k"
        holds "signal $number at $call $k" "$ok" $((128 + number))
      done
    done
  done
}
