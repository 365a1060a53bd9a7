#!/usr/bin/env bash
# Runs the measurements of tests/bench: bench.sh [NAME...]
#
# Each tests/bench/NAME.sh prints JSON objects, one a line, with the keys tool, what, ours, peer,
# unit, ratio, low, high (the 95 % interval of the ratio, or of ours where there is no peer), target,
# met, command; scripts/bench_figure.sh makes them from rounds, bench_pair.sh runs rounds of two
# commands. Other lines are kept as text. Results go to build/bench: NAME.out, and from all of those
# that are there, of this run or an earlier one, results.json (machine, flags, all objects) and
# results.md (a table).
set -eu
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"
out=$root/build/bench
mkdir -p "$out"
export STATEUTILS_SOURCE=$root STATEUTILS_BIN=$root/build/release/bin TESTDATA=$root/testdata
export PATH="$root/scripts:$STATEUTILS_BIN:$PATH" LC_ALL=C

if [ $# -eq 0 ]; then
  for script in tests/bench/*.sh; do
    [ -e "$script" ] && set -- "$@" "$(basename "$script" .sh)"
  done
fi
failed=0
for name in "$@"; do
  say "$name"
  if ! (cd "$out" && bash "$root/tests/bench/$name.sh") >"$out/$name.tmp"; then
    echo "$name failed"
    failed=1
  fi
  mv "$out/$name.tmp" "$out/$name.out"
  grep -v '^{' "$out/$name.out" | sed "s/^/$name: /" || true
done

: >"$out/records.jsonl"
: >"$out/notes.txt"
for file in "$out"/*.out; do
  name=$(basename "$file" .out)
  grep '^{' "$file" | jq -c --arg script "$name" 'select(.tool) + {script: $script}' >>"$out/records.jsonl" || true
  grep -v '^{' "$file" | sed "s/^/$name: /" >>"$out/notes.txt" || true
done

jq -n --slurpfile records "$out/records.jsonl" --rawfile notes "$out/notes.txt" \
  --arg date "$(date -u +%FT%TZ)" --arg commit "$(git describe --always --dirty 2>/dev/null || echo unknown)" \
  --arg cpu "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" --arg cores "$(nproc)" \
  --arg kernel "$(uname -sr)" --arg compiler "$(c++ --version | head -n 1)" \
  '{date: $date, commit: $commit, cpu: $cpu, cores: ($cores | tonumber), kernel: $kernel,
    compiler: $compiler, flags: "Release", results: $records, notes: ($notes | split("\n") | map(select(. != "")))}' \
  >"$out/results.json"
jq -r 'def short: if . == null then "" elif type == "string" then .
    elif (fabs >= 1000) then round | tostring | until(test("^-?[0-9]+[0-9]{3}(,|$)") | not; sub("(?<a>[0-9])(?<b>[0-9]{3})(?<c>,|$)"; "\(.a),\(.b)\(.c)"))
    elif fabs >= 100 then round | tostring
    elif . == 0 then "0"
    else (pow(10; 2 - (fabs | log10 | floor))) as $scale | . * $scale | round / $scale | tostring end;
  def interval: if .low then " (\(.low | short) to \(.high | short))" else "" end;
  "\(.cpu), \(.cores) cores, \(.compiler), commit \(.commit), \(.date).\n",
  "| tool | what | ours | peer | ratio (95 %) | target | met |", "| --- | --- | --- | --- | --- | --- | --- |",
  (.results[] | "| \(.tool) | \(.what | gsub("[|]"; "\\|")) | \(.ours | short)\(if .peer == null then interval else "" end) \(.unit // "")"
    + " | \(.peer | short) | \(.ratio | short)\(if .peer == null then "" else interval end)"
    + " | \(.target // "") | \(if .met == null then "" elif .met then "yes" else "no" end) |")' \
  "$out/results.json" | tee "$out/results.md"
echo
echo "written: build/bench/results.json build/bench/results.md"
exit $failed
