#!/usr/bin/env bash
# Injects one fault into every command of one tool: run.sh FAULT TOOL
#
# FAULT is a script of tests/torture/faults that defines torture(), called once per case of
# tests/torture/cases/TOOL.sh. STATEUTILS_TORTURE=full takes more steps; with
# STATEUTILS_TORTURE_TABLE=FILE each case appends a row of a Markdown table to FILE.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ $# -ne 2 ] || [ ! -f "$here/faults/$1.sh" ] || [ ! -f "$here/cases/$2.sh" ]; then
  echo "usage: run.sh FAULT TOOL (faults: $(basename -s .sh "$here"/faults/*.sh | tr '\n' ' '))" >&2
  exit 2
fi
# shellcheck source=tests/environment.sh
. "$here/../environment.sh"
fault=$1 tool=$2
if [ ! -x "$STATEUTILS_BIN/$tool" ]; then
  echo "$tool is not built"
  exit 77
fi
# shellcheck source=tests/torture/lib.sh
. "$here/lib.sh"
# shellcheck source=/dev/null
. "$here/faults/$fault.sh"
# shellcheck source=/dev/null
. "$here/cases/$tool.sh"

before_all=$bad
for fields in "${cases[@]}"; do
  before=$bad
  bad=0
  runs=0
  if open_case "$fields" && [ "$taken" -eq 1 ]; then torture; fi
  if [ "$taken" -eq 0 ]; then
    bad=$before
    continue
  fi
  verdict=$([ $bad -eq 0 ] && echo held || echo FAILED)
  echo "$fault: $tool $name: $runs runs, $verdict"
  if [ -n "${STATEUTILS_TORTURE_TABLE:-}" ]; then
    echo "| $fault | $tool | $name | $runs | $verdict |" >>"$STATEUTILS_TORTURE_TABLE"
  fi
  bad=$((bad | before))
done
exit $((bad | before_all))
