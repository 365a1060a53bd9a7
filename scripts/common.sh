# shellcheck shell=bash
# Sourced by the scripts beside it: where things are, and the release build.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
jobs=$(nproc 2>/dev/null || echo 2)

say() {
  printf '\n== %s\n' "$*"
}

# timed NAME COMMAND...: runs it and prints how long it took; 77 says that there was no time for it.
timed() {
  local name=$1 start end status=0 verdict=FAILED
  shift
  start=$(date +%s.%N)
  "$@" || status=$?
  end=$(date +%s.%N)
  case $status in
    0) verdict="done" ;;
    77) verdict=skipped ;;
  esac
  printf -- '-- %s: %s in %.1f s\n' "$name" "$verdict" "$(awk "BEGIN { print $end - $start }")"
  return $status
}

# configure PRESET [CMAKE ARGUMENT...]: with Ninja where it is installed and in large units, unless
# the build folder is configured already.
configure() {
  local preset=$1
  shift
  if [ ! -e "build/$preset/CMakeCache.txt" ]; then
    set -- -DSTATEUTILS_UNITY=ALL "$@"
    if command -v ninja >/dev/null; then set -- -G Ninja "$@"; fi
  fi
  # shellcheck disable=SC2086  # STATEUTILS_CONFIGURE holds further arguments for cmake
  cmake --preset "$preset" "$@" ${STATEUTILS_CONFIGURE:-} >"$(log_of "configure-$preset")" 2>&1 ||
    {
      cat "$(log_of "configure-$preset")"
      return 1
    }
}

# build PRESET [TARGET...]: silent unless it fails; the whole output is in build/logs. BUILD_LIMIT
# seconds, if set, end it with 124.
build() {
  local preset=$1 log status=0
  shift
  log=$(log_of "build-$preset")
  timeout "${BUILD_LIMIT:-0}" cmake --build --preset "$preset" --parallel "$jobs" ${1:+--target "$@"} \
    >"$log" 2>&1 || status=$?
  case $status in
    0 | 124) ;;
    *)
      grep -E -A 12 'FAILED|error|Error' "$log" | head -n 200
      echo "(the whole log: $log)"
      ;;
  esac
  return $status
}

log_of() {
  mkdir -p "$root/build/logs"
  echo "$root/build/logs/$1.log"
}
