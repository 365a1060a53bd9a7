# shellcheck shell=bash disable=SC2154
# Input cut short: refused with a place, or valid (text that ends at a line); never a crash.
torture() {
  local whole=$IN size steps at i=0
  if [ -z "$IN" ] || [ ! -f "$IN" ]; then return 0; fi
  size=$(stat -c %s "$whole")
  steps=$(depth 20 500)
  IN=$work/cut${whole##*/}
  while read -r at; do
    i=$((i + 1))
    head -c "$at" "$whole" >"$IN"
    fresh_box "$(old_or_none $i)"
    launch timeout 60
    if [ "$cut" = reject ] || { [ "$cut" = framed ] && [ "$at" -gt 0 ] && [ "$at" -lt $((size - 1)) ]; }; then
      [ "$code" -eq 3 ] || fail "cut at byte $at of $size: expected 3"
      [ -s "$box.stderr" ] || fail "cut at byte $at of $size: no message"
    elif [ "$code" -gt 4 ] || [ "$code" -eq 2 ]; then
      fail "cut at byte $at of $size: expected 0, 1, 3 or 4"
    fi
    case $code in 3 | 4) [ "$kind" = filter ] || holds "cut at byte $at of $size" 3 4 ;; esac
  done < <(cut_places "$size" "$steps")
  IN=$whole
}

# Small inputs at every byte; of large ones both ends and evenly between.
cut_places() {
  awk -v size="$1" -v steps="$2" 'BEGIN {
    if (size <= steps) for (i = 0; i < size; i++) print i
    else for (i = 0; i < steps; i++)
      print i < steps / 3 ? i : i < steps / 2 ? size - 1 - (i - int(steps / 3)) : int(size * (i - steps / 2) / (steps / 2))
  }' | sort -nu
}
