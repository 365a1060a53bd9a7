# shellcheck shell=bash disable=SC2154
# The k-th call of each kind fails: an error and a whole destination, or a success that is one.
needs_strace

torture() {
  local spec call error k
  for spec in "write:ENOSPC EIO" pwrite64:EIO "fdatasync:EIO ENOSPC" fsync:EIO close:EIO "rename:EACCES EIO" \
    openat:EACCES read:EIO; do
    call=${spec%%:*}
    for k in $(moments "$call" 4 200); do
      for error in ${spec#*:}; do
        fresh_box "$(old_or_none "$k")"
        launch strace -f -qq -o /dev/null -e trace="$call" -e "inject=$call:error=$error:when=$k"
        holds "$call $k fails with $error" 4 "$ok"
      done
    done
  done
}
