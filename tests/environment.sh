# shellcheck shell=bash
# What every script of the tests runs in; sourced. A run without ctest finds the release build.
: "${STATEUTILS_SOURCE:=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}"
: "${STATEUTILS_BIN:=$STATEUTILS_SOURCE/build/release/bin}"
: "${TESTDATA:=$STATEUTILS_SOURCE/testdata}"
export STATEUTILS_SOURCE STATEUTILS_BIN TESTDATA LC_ALL=C NO_COLOR=1 PATH="$STATEUTILS_BIN:$PATH"
