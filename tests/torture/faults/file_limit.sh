# shellcheck shell=bash disable=SC2154
# ulimit -f: an error like any other, not death by SIGXFSZ.
below_limit() {
  local blocks=$1
  shift
  (ulimit -f "$blocks" && exec "$@")
}

torture() {
  local size blocks
  case $kind in
    writer) size=$(stat -c %s "$reference") ;;
    filter) size=$(stat -c %s "$reference.stdout") ;;
    folder) size=$(find "$reference" -type f -printf '%s\n' | sort -n | tail -n 1) ;;
  esac
  for blocks in 0 1 $((size / 2048)); do
    fresh_box "$(old_or_none "$blocks")"
    launch below_limit "$blocks"
    # Of a folder that was given the largest file need not be a new one.
    if [ -z "$given" ] && [ "$size" -gt $((blocks * 1024)) ]; then
      holds "ulimit -f $blocks" 4
    else
      holds "ulimit -f $blocks" 4 "$ok"
    fi
  done
}
