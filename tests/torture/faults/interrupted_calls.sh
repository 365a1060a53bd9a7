# shellcheck shell=bash disable=SC2154
# EINTR at the k-th call is no error: the call is made again.
needs_strace

torture() {
  local call k
  for call in write pwrite64 read fdatasync fsync openat close; do
    for k in $(moments "$call" 4 200); do
      fresh_box "$(old_or_none "$k")"
      launch strace -f -qq -o /dev/null -e trace="$call" -e "inject=$call:error=EINTR:when=$k"
      holds "$call $k interrupted" "$ok"
    done
  done
}
