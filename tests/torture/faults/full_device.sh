# shellcheck shell=bash disable=SC2034,SC2154
# /dev/full takes no byte: every way to print must report it.
expect_4() {
  local label=$1
  shift
  runs=$((runs + 1))
  { "$@" </dev/null >/dev/full 2>"$box.stderr"; } 2>/dev/null
  code=$?
  [ $code -eq 4 ] || fail "$label into /dev/full: expected 4"
  [ -s "$box.stderr" ] || fail "$label into /dev/full: no message"
}

torture() {
  local argv OUT=/dev/full
  read_command
  runs=$((runs + 1))
  case $kind in
    writer)
      "${argv[@]}" <"$stdin" >"$box.stdout" 2>"$box.stderr"
      code=$?
      [ $code -eq 4 ] || fail "output into /dev/full: expected 4"
      ;;
    filter)
      "${argv[@]}" <"$stdin" >/dev/full 2>"$box.stderr"
      code=$?
      [ $code -eq 4 ] || fail "stdout into /dev/full: expected 4"
      ;;
  esac
  [ "$kind" = folder ] || [ -s "$box.stderr" ] || fail "no message"
  expect_4 --help "${argv[0]}" --help
  expect_4 --version "${argv[0]}" --version
  if [ "$kind" != filter ]; then
    fresh_box none
    read_command
    { "${argv[@]}" --json <"$stdin" >/dev/full 2>"$box.stderr"; } 2>/dev/null
    code=$?
    [ $code -eq 4 ] || fail "--json into /dev/full: expected 4"
  fi
  fresh_box none
  read_command
  { "${argv[@]}" --json=/dev/full <"$stdin" >"$box.stdout" 2>"$box.stderr"; } 2>/dev/null
  code=$?
  [ $code -eq 4 ] || fail "--json=/dev/full: expected 4"
}
