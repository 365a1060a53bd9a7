# shellcheck shell=bash disable=SC2034,SC2154  # the faults use what is set here; run.sh names the fault
# What the faults share: the cases of a tool, clean reference runs, and what must hold after a fault.
#
# tests/torture/cases/TOOL.sh declares commands:
#   torture_case NAME writer 'tool convert @IN@ -o @OUT@' in=FILE ...   makes the file @OUT@
#   torture_case NAME folder 'tool split @IN@ -o @OUT@' in=FILE ...     makes the folder @OUT@
#   torture_case NAME filter 'tool audit @IN@' in=FILE ...              data on stdout
# A command that starts with `<@IN@ ` reads its input from stdin. Traits:
#   in=FILE        the input; torture_make NAME COMMAND makes one with a tool and prints its path
#   ext=.SUFFIX    of the output's name
#   given=FOLDER   the command changes a folder: @OUT@ begins as a copy of this one
#   ok=N           exit code of a clean run (0)
#   cut=reject     every cut of the input must be refused; without it a cut may be valid input
#   cut=framed     the same, but an empty stream and a missing last newline are valid
#   mask=REGEX     text of a filter's output that differs from run to run, such as times
#   skip=FAULT     leave this fault out, with the reason beside it
#   only=FAULT     take this fault and others so named, of a command whose writer another case tries
#   lock           the command takes --lock FILE
#   once           a result that is there is refused
#   flip=verified  the input carries checksums: a flipped bit is refused or changes nothing
set -u
ulimit -c 0
full=$([ "${STATEUTILS_TORTURE:-quick}" = full ] && echo 1 || echo 0)
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-torture.XXXXXX") || exit 1
trap 'chmod -R u+rwX "$work" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
echo "what was here before" >"$work/old"
box=$work/box
bad=0
runs=0
cases=()

# depth QUICK FULL: how many steps of a fault to take.
depth() {
  if [ "$full" = 1 ]; then echo "$2"; else echo "$1"; fi
}

torture_case() {
  local IFS=$'\x1f'
  cases+=("$*")
}

torture_make() {
  mkdir -p "$work/inputs"
  local path=$work/inputs/$1
  shift
  if OUT=$path eval "${1//@OUT@/\"\$OUT\"}" </dev/null >"$path.log" 2>&1; then
    [ -e "$path" ] || mv "$path.log" "$path"
  else
    echo "cannot make an input: $1: $(tail -n 1 "$path.log")" >&2
  fi
  echo "$path"
}

# open_case FIELDS: sets name, kind, the command and its traits, and makes the reference.
open_case() {
  local fields trait
  IFS=$'\x1f' read -r -a fields <<<"$1"
  name=${fields[0]}
  kind=${fields[1]}
  command=${fields[2]}
  IN='' ext='' given='' ok=0 cut='' flip='' mask='' takes_lock=0 once=0 skip='' only=''
  for trait in "${fields[@]:3}"; do
    case $trait in
      in=*) IN=${trait#in=} ;;
      ext=*) ext=${trait#ext=} ;;
      given=*) given=${trait#given=} ;;
      ok=*) ok=${trait#ok=} ;;
      cut=*) cut=${trait#cut=} ;;
      flip=*) flip=${trait#flip=} ;;
      skip=*) skip="$skip ${trait#skip=}" ;;
      only=*) only="$only ${trait#only=}" ;;
      lock) takes_lock=1 ;;
      once) once=1 ;;
      mask=*) mask=${trait#mask=} ;;
      *) echo "$name: unknown trait $trait" && exit 1 ;;
    esac
  done
  from_stdin=0
  if [[ $command == '<@IN@ '* ]]; then
    from_stdin=1
    command=${command#'<@IN@ '}
  fi
  command=${command//@IN@/\"\$IN\"}
  command=${command//@OUT@/\"\$OUT\"}
  taken=0
  if [[ " $skip " == *" $fault "* ]] || [[ -n $only && " $only " != *" $fault "* ]]; then return 0; fi
  taken=1
  reference=$work/reference
  rm -rf "$reference" "$reference.stdout"
  fresh_box none
  launch
  if [ "$code" -ne "$ok" ]; then
    fail "a clean run"
    return 1
  fi
  cp "$box.stdout" "$reference.stdout"
  if [ "$kind" != filter ]; then cp -r "$OUT" "$reference" || return 1; fi
}

# fresh_box old|none: an empty folder for the output; `old` puts a file of that name there.
fresh_box() {
  rm -rf "$box"
  mkdir "$box"
  OUT=$box/out$ext
  had_old=0
  if [ "$1" = old ] && [ "$kind" = writer ]; then
    cp "$work/old" "$OUT"
    had_old=1
  fi
  if [ -n "$given" ]; then cp -r "$given" "$OUT" || exit 1; fi
}

# read_command: sets argv and stdin for the present OUT and IN.
read_command() {
  eval "argv=($command)"
  stdin=/dev/null
  [ "$from_stdin" -eq 0 ] || stdin=$IN
}

# launch [WRAPPER...]: runs the command (below a wrapper); sets code.
launch() {
  local argv
  read_command
  runs=$((runs + 1))
  { "$@" "${argv[@]}" <"$stdin" >"$box.stdout" 2>"$box.stderr"; } 2>/dev/null
  code=$?
  [ -z "$mask" ] || sed -i -E "s/$mask//g" "$box.stdout"
}

fail() {
  bad=$((bad + 1))
  if [ $bad -le 12 ]; then echo "$name: $1: exit $code: $(head -n 1 "$box.stderr" | cut -b 1-200)"; fi
  if [ $bad -eq 12 ]; then echo "$name: further failures are not shown"; fi
}

# same A B: equal files or folders.
same() {
  if [ -d "$1" ]; then diff -r "$1" "$2" >/dev/null 2>&1; else cmp -s "$1" "$2"; fi
}

# old_or_new: nothing torn lies at the destination. Of a folder that was given, each file is as it
# was or as it is to be, and none is gone.
old_or_new() {
  local file
  if [ -z "$given" ]; then
    same "$reference" "$OUT" || { [ "$had_old" -eq 1 ] && cmp -s "$OUT" "$work/old"; }
    return
  fi
  while IFS= read -r -d '' file; do
    cmp -s "$OUT/$file" "$given/$file" || cmp -s "$OUT/$file" "$reference/$file" || return 1
  done < <(cd "$OUT" && find . -name '.*.tmp.[0-9]*' -prune -o -type f -print0)
  while IFS= read -r -d '' file; do
    [ -e "$OUT/$file" ] || return 1
  done < <(cd "$given" && find . -type f -print0)
}

loader_failed() {
  [ "$code" -eq 127 ] && grep -q 'error while loading shared libraries\|cannot allocate memory' "$box.stderr"
}

# holds LABEL CODE...: the exit code is one of these; a success left the right result; anything else
# left the destination old or new; no temporary file remains.
holds() {
  local label=$1 allowed left
  shift
  allowed=" $* "
  if ! loader_failed && [[ $allowed != *" $code "* ]]; then
    fail "$label: expected one of$allowed"
    return
  fi
  if [ "$kind" = filter ]; then
    if [ "$code" -eq "$ok" ] && ! same "$reference.stdout" "$box.stdout"; then fail "$label: success, but wrong bytes"; fi
  elif [ "$code" -eq "$ok" ]; then
    same "$reference" "$OUT" || fail "$label: success, but the file is wrong or absent"
  elif [ "$had_old" -eq 1 ] || [ -e "$OUT" ]; then
    old_or_new || fail "$label: the destination is neither old nor new"
  fi
  left=$(temporaries)
  [ -z "$left" ] || fail "$label: left behind: $left"
}

temporaries() {
  find "$box" -mindepth 1 -name '.*.tmp.[0-9]*' -prune -printf '%f ' | tr -d '\n'
}

old_or_none() {
  if [ $(($1 % 2)) -eq 1 ]; then echo old; else echo none; fi
}

# calls SYSCALL: how often a clean run makes it.
calls() {
  fresh_box old
  launch strace -f -qq -o "$work/trace" -e "trace=$1"
  grep -c "$1(" "$work/trace"
}

# loader_calls SYSCALL: how often the dynamic loader makes it before the program starts.
loader_calls() {
  local argv
  read_command
  strace -f -qq -o "$work/trace" "${argv[0]}" --version >/dev/null 2>&1
  # The loader gives up its cache of library names when the last one is mapped.
  awk -v call=" $1(" 'index($0, call) { n++ } / munmap\(/ { if (!seen) { seen = 1; at = n } } END { print at + 0 }' "$work/trace"
}

# moments SYSCALL QUICK FULL: which calls of a clean run are to fail: the first FULL, or QUICK spread
# evenly over those that are not the loader's.
moments() {
  local total first i
  total=$(calls "$1")
  if [ "$full" = 1 ]; then
    seq 1 $((total < $3 ? total : $3))
    return
  fi
  first=$(loader_calls "$1")
  if [ $((total - first)) -le "$2" ]; then
    seq $((first + 1)) "$total"
    return
  fi
  for ((i = 0; i < $2; i++)); do echo $((first + 1 + i * (total - first - 1) / ($2 - 1))); done
}

needs() {
  local program
  for program in "$@"; do
    if ! command -v "$program" >/dev/null; then
      echo "needs $program"
      exit 77
    fi
  done
}

needs_strace() {
  needs strace
  if ! strace -f -qq -o /dev/null true 2>/dev/null; then
    echo "strace may not trace here"
    exit 77
  fi
}
