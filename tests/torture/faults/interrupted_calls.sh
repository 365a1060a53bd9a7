# shellcheck shell=bash disable=SC2154
# EINTR at the k-th call is no error: the call is made again.
needs_strace

torture() {
  local call count k most
  most=$(depth 20 200)
  for call in write pwrite64 read fdatasync fsync openat close; do
    count=$(calls "$call")
    [ "$count" -le "$most" ] || count=$most
    for ((k = 1; k <= count; k++)); do
      fresh_box "$(old_or_none $k)"
      launch strace -f -qq -o /dev/null -e trace="$call" -e "inject=$call:error=EINTR:when=$k"
      holds "$call $k interrupted" "$ok"
    done
  done
}
