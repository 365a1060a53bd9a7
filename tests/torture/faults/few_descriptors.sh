# shellcheck shell=bash disable=SC2154
# EMFILE: no descriptor left at every possible place.
below_limit() {
  local limit=$1
  shift
  (ulimit -n "$limit" && exec "$@")
}

torture() {
  local limit
  for limit in 3 4 5 6 7 8 10 12 16; do
    fresh_box "$(old_or_none "$limit")"
    launch below_limit "$limit"
    holds "$limit descriptors" 4 "$ok"
  done
}
