# shellcheck shell=bash disable=SC2154
# A reader that leaves, and a process started with a standard stream closed.
closing() {
  local what=$1
  shift
  case $what in
    stdin) "$@" <&- ;;
    stdout) "$@" >&- ;;
    stderr) "$@" 2>&- ;;
    all) "$@" <&- >&- 2>&- ;;
  esac
}

torture() {
  local argv reader
  fresh_box old
  launch closing stderr
  holds "stderr closed" "$ok" 4
  fresh_box old
  launch closing stdin
  if [ "$from_stdin" -eq 1 ]; then holds "stdin closed" 3 4; else holds "stdin closed" "$ok"; fi
  fresh_box old
  launch closing all
  [ "$code" -lt 5 ] || fail "all streams closed: expected at most 4"
  [ "$kind" = filter ] || return 0

  launch closing stdout
  [ "$code" -eq 4 ] || fail "stdout closed: expected 4"
  read_command
  for reader in true "head -c 1" "head -n 1"; do
    runs=$((runs + 1))
    "${argv[@]}" <"$stdin" 2>"$box.stderr" | $reader >/dev/null
    code=${PIPESTATUS[0]}
    case $code in "$ok" | 141) ;; *) fail "reader ($reader) gone: expected $ok or 141" ;; esac
    ! grep -qi 'pipe' "$box.stderr" || fail "reader ($reader) gone: not quiet"
  done
}
