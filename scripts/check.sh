#!/usr/bin/env bash
# Set-up, release build and all tests: check.sh [CTEST ARGUMENT...]
set -eu
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

say "packages"
timed "packages" scripts/setup.sh
say "release build (in build/release)"
timed "configure" configure release
timed "build" build release
say "tests"
timed "tests" ctest --preset release -j "$jobs" --output-on-failure "$@"
