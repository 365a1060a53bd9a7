# shellcheck shell=bash disable=SC2154
# One bit of the input flipped: no crash; with checksums, refused or the same result.
torture() {
  local whole=$IN size count i at bit byte old
  if [ -z "$IN" ] || [ ! -f "$IN" ]; then return 0; fi
  size=$(stat -c %s "$whole")
  count=$(depth 20 1000)
  IN=$work/flip${whole##*/}
  RANDOM=7
  for ((i = 0; i < count; i++)); do
    # Every second flip hits the first 512 bytes, where headers are.
    at=$((RANDOM * 32768 + RANDOM))
    if [ $((i % 2)) -eq 0 ] && [ "$size" -gt 512 ]; then at=$((at % 512)); else at=$((at % size)); fi
    bit=$((RANDOM % 8))
    cp "$whole" "$IN"
    byte=$(od -An -tu1 -j $at -N 1 "$whole" | tr -d ' ')
    old=$((byte ^ (1 << bit)))
    # shellcheck disable=SC2059  # the format is the byte
    printf "\\$(printf %03o $old)" | dd of="$IN" bs=1 seek=$at conv=notrunc status=none
    fresh_box none
    launch timeout 60
    [ "$code" -le 4 ] || fail "bit $bit of byte $at flipped: expected at most 4"
    if [ "$flip" = verified ] && [ "$code" -eq "$ok" ]; then
      if [ "$kind" = filter ]; then
        same "$reference.stdout" "$box.stdout" || fail "bit $bit of byte $at flipped: accepted, other result"
      else
        same "$reference" "$OUT" || fail "bit $bit of byte $at flipped: accepted, other result"
      fi
    fi
  done
  IN=$whole
}
