# shellcheck shell=bash disable=SC2154
# Address space from too little to enough: an error or success, never a crash.
below_limit() {
  local limit=$1
  shift
  (ulimit -v "$limit" && exec "$@")
}

torture() {
  local limit
  for limit in 8000 12000 16000 20000 24000 32000 48000 64000 96000 128000 256000 512000 2000000; do
    fresh_box "$(old_or_none $((limit / 4000)))"
    launch below_limit "$limit"
    # Below the size of its libraries a program does not even start: the loader or libgomp says so.
    [ "$code" -eq 127 ] && continue
    grep -q '^libgomp: Out of memory' "$box.stderr" && continue
    holds "$limit KiB of memory" 4 "$ok"
  done
}
