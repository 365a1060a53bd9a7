#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that are missing: setup.sh [--ci]
#
# Without options: what the build, the tests and the demonstration need. --ci adds clang with its
# sanitizer runtimes, clang-format, lintian, the launchers of tests/interop (GNU parallel, mpirun,
# Slurm) and a browser that looks at the tools' pages. Does nothing, quickly, when nothing is missing.
set -eu

required=(
  cmake g++ make pkg-config git ca-certificates
  libcli11-dev nlohmann-json3-dev libsimdjson-dev libxxhash-dev libzstd-dev libssl-dev libre2-dev
  libutf8proc-dev doctest-dev
)
# The build and the tests do without these; what needs one is left out or skipped.
wanted=(
  ninja-build ccache scdoc jq zstd xz-utils file dpkg-dev strace shellcheck python3 python3-numpy
  util-linux time curl libpq-dev bubblewrap
)
wanted_by_ci=(
  clang clang-format lintian libomp-dev
  parallel openmpi-bin slurmctld slurmd slurm-client chromium
  g++-aarch64-linux-gnu qemu-user
)

ci=0
case "${1-}" in
  "") ;;
  --ci) ci=1 ;;
  -h | --help)
    sed -n '2,6s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  *)
    echo "setup.sh: unknown argument: $1 (try --help)" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup.sh: this is not a Debian system; the equivalents of these packages are needed:" >&2
  echo "  ${required[*]}" >&2
  exit 0
fi

# missing_of PACKAGE...: those that are not installed.
missing_of() {
  local installed package
  installed=$'\n'$(dpkg-query -W -f '${binary:Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
    sed -nE 's/^([^ :]+)(:[^ ]*)? installed$/\1/p')$'\n'
  for package in "$@"; do
    [[ $installed == *$'\n'"$package"$'\n'* ]] || echo "$package"
  done
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 "$@"
  elif [ -n "${CI:-}" ]; then
    sudo -n env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 "$@"
  else
    sudo env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 "$@"
  fi
}

apt_quietly() {
  as_root apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -qq "$@" </dev/null
}

updated=0
# install PACKAGE...: all of them or failure.
install() {
  [ $# -gt 0 ] || return 0
  if ! command -v sudo >/dev/null && [ "$(id -u)" -ne 0 ]; then
    echo "setup.sh: not root and no sudo; ask for: apt-get install $*" >&2
    return 1
  fi
  if [ $updated -eq 0 ]; then
    apt_quietly update || echo "setup.sh: the package lists could not be refreshed" >&2
    updated=1
  fi
  echo "setup.sh: installing $*"
  apt_quietly install -y --no-install-recommends "$@" >/dev/null
}

# install_known PACKAGE...: those that this release has; failure leaves a note.
install_known() {
  local known=() package
  [ $# -gt 0 ] || return 0
  if [ $updated -eq 0 ]; then
    apt_quietly update || true
    updated=1
  fi
  for package in "$@"; do
    if apt-cache show "$package" >/dev/null 2>&1; then known+=("$package"); fi
  done
  install "${known[@]}" || echo "setup.sh: goes on without some of: ${known[*]}" >&2
}

mapfile -t missing < <(missing_of "${required[@]}")
install "${missing[@]}"
[ $ci -eq 0 ] || wanted+=("${wanted_by_ci[@]}")
mapfile -t missing < <(missing_of "${wanted[@]}")
install_known "${missing[@]}"
if [ $ci -eq 1 ] && command -v clang >/dev/null; then
  # The sanitizer runtimes carry clang's own version in their package's name.
  mapfile -t missing < <(missing_of "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev")
  install_known "${missing[@]}"
fi
