# shellcheck shell=bash disable=SC2016,SC2154
# Names that scripts get wrong, and destinations that are no plain files.
# to NAME CODE...: writes to NAME inside the box.
to() {
  local label=$1
  OUT=$box/$1$ext
  shift
  launch
  holds "named $(printf '%q' "${label:0:40}")" "$@"
}

torture() {
  [ "$kind" = filter ] && return
  local odd
  for odd in 'with space' $'new\nline' '*' 'ünïcode-名' '-leading' "it's" 'a;b$c' 'back\slash'; do
    fresh_box none
    to "$odd" "$ok"
  done
  fresh_box none
  to "$(printf '%0*d' $((255 - ${#ext})) 0)" "$ok"
  fresh_box none
  to "$(printf '%0*d' $((256 - ${#ext})) 0)" 4
  fresh_box none
  to "no/such/folder" 4
  relative
  [ "$kind" = writer ] || return 0
  fresh_box none
  mkdir "$box/taken$ext"
  OUT=$box/taken$ext
  launch
  [ "$code" -eq 4 ] || fail "a folder as destination: expected 4"
  links
  fifo
  unwritable
}

# A relative name that starts with a dash is reached by ./ in the working folder.
relative() {
  local argv
  fresh_box none
  OUT=./-out$ext
  read_command
  (cd "$box" && "${argv[@]}" <"$stdin" >"$box.stdout" 2>"$box.stderr")
  code=$?
  OUT=$box/-out$ext
  holds "relative ./-out" "$ok"
}

links() {
  fresh_box none
  mkdir "$box/elsewhere"
  echo old >"$box/elsewhere/target"
  OUT=$box/link$ext
  ln -s elsewhere/target "$OUT"
  launch
  if [ "$code" -ne "$ok" ] || [ ! -L "$OUT" ] || ! same "$reference" "$box/elsewhere/target"; then
    fail "through a symbolic link: the link stays, its target is replaced"
  fi
}

fifo() {
  fresh_box none
  OUT=$box/pipe$ext
  mkfifo "$OUT"
  timeout 20 cat "$OUT" >"$work/through" &
  launch timeout 20
  wait $!
  if [ "$code" -eq "$ok" ]; then
    same "$reference" "$work/through" || fail "into a FIFO: other bytes"
  elif [ "$code" -ne 4 ]; then
    fail "into a FIFO: expected $ok or 4"
  fi
}

# Root writes everywhere, so root becomes nobody for this one.
unwritable() {
  fresh_box none
  mkdir "$box/sealed"
  OUT=$box/sealed/out$ext
  chmod 755 "$work" "$box"
  chmod 555 "$box/sealed"
  if [ "$(id -u)" -eq 0 ]; then
    setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$(command -v "$tool")" 2>/dev/null || return 0
    launch setpriv --reuid=65534 --regid=65534 --clear-groups
  else
    launch
  fi
  [ "$code" -eq 4 ] || fail "into a folder without write permission: expected 4"
}
