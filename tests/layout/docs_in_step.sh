#!/usr/bin/env bash
# Each man page says what its tool's option table (TOOL --dump-cli) says: every visible option and
# subcommand is in the page, every option that the page names exists, every default shown is right.
# Literal blocks are left to the examples test; options of other programs may stand in a bold phrase
# that starts with the program's name (*zstd --long*). What all tools share stands in stateutils(7).
set -u
source=${STATEUTILS_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
bin=${STATEUTILS_BIN:-$source/build/release/bin}
if ! command -v jq >/dev/null; then
  echo "needs jq"
  exit 77
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-docs.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# Lines "VISIBLE<tab>PATH<tab>NAMES<tab>DEFAULT", and "sub<tab>PATH" for subcommands.
# shellcheck disable=SC2016  # a jq program, not shell
table='def names: [.names[] | ltrimstr("!")] | join(",");
  def table($path; $shown):
    (.options[]? | [(if $shown and (.hidden | not) then "yes" else "no" end), $path, names,
       (.default // "" | tostring)]),
    (.subcommands[]? | (.hidden // false) as $hidden
       | (if $shown and ($hidden | not) then ["sub", $path, .name, ""] else empty end),
         table($path + " " + .name; $shown and ($hidden | not)));
  table(.name; true) | @tsv'

# page_text PAGE: the prose, without literal blocks and backslashes.
page_text() {
  awk '/^```/ { literal = !literal; next } !literal { gsub(/\\/, ""); print }' "$1"
}

# Words of a text as they could be option names.
option_words() {
  grep -oE -- '(^|[^A-Za-z0-9-])--?[A-Za-z0-9][A-Za-z0-9-]*' | grep -oE -- '-.*' | sort -u
}

# The names and, after a tab, the shown defaults of each option entry. An entry begins with a line
# that starts with a bold option and ends before the next entry or heading.
entry_defaults() {
  awk '
    function flush(    text, at, value) {
      text = tolower(body)
      while (match(text, /defaults? (is |to )?|default: /)) {
        at = RSTART + RLENGTH
        value = substr(body, at)
        body = value
        text = tolower(value)
        sub(/[ ;)].*$/, "", value)
        sub(/[.,:]+$/, "", value)
        gsub(/[*_"]/, "", value)
        if (names != "" && value != "") print names "\t" value
      }
      body = names = ""
    }
    /^#/ { flush(); next }
    /^[ \t]*\*-/ {
      flush()
      line = $0
      while (match(line, /-[-A-Za-z0-9]+/)) {
        names = names (names == "" ? "" : ",") substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH)
      }
      next
    }
    { body = body " " $0 }
    END { flush() }' "$1"
}

bad=0
checked=0
for folder in "$source"/tools/*/; do
  tool=$(basename "$folder")
  page=$source/man/$tool.1.scd
  [ -x "$bin/$tool" ] || continue
  checked=$((checked + 1))
  report() {
    echo "$tool: $*"
    bad=1
  }
  if [ ! -s "$page" ]; then
    report "man/$tool.1.scd is missing"
    continue
  fi
  if ! "$bin/$tool" --dump-cli >"$work/cli.json" || ! jq -r "$table" "$work/cli.json" >"$work/table"; then
    report "--dump-cli is no option table"
    continue
  fi
  page_text "$page" >"$work/text"
  { page_text "$source/man/stateutils.7.scd" 2>/dev/null && cat "$work/text"; } | option_words >"$work/words"

  while IFS=$'\t' read -r shown path names _; do
    case $shown in
      no) continue ;;
      sub) grep -qwF -- "$names" "$work/text" || report "the page does not mention the subcommand \"$path $names\"" ;;
      yes)
        IFS=, read -ra each <<<"$names"
        for name in "${each[@]}"; do
          case $name in
            -*) grep -qxF -- "$name" "$work/words" || report "the page lacks $name of \"$path\"" ;;
          esac
        done
        ;;
    esac
  done <"$work/table"

  { echo --help && cut -f 3 "$work/table" | tr ',' '\n' | grep '^-'; } | sort -u >"$work/known"
  # A bold phrase that starts with another program's name may hold that program's options.
  sed -E 's/\*[a-z][a-z0-9.+-]* [^*]*\*/ /g' "$work/text" >"$work/own"
  grep -E "\*$tool [^*]*\*" "$work/text" >>"$work/own"
  while read -r word; do
    grep -qxF -- "$word" "$work/known" || report "the page names $word, which does not exist"
  done < <(grep -oE -- '(^|[^A-Za-z0-9-])--[a-z][A-Za-z0-9-]*' "$work/own" | grep -oE -- '--.*' | sort -u)

  while IFS=$'\t' read -r names value; do
    defaults=$(awk -F '\t' -v names="$names" '
      BEGIN { n = split(names, wanted, ",") }
      $1 != "sub" {
        m = split($3, have, ",")
        for (i = 1; i <= n; i++) for (j = 1; j <= m; j++) if (wanted[i] == have[j]) { print $4; next }
      }' "$work/table" | sort -u)
    [ -z "$(tr -d '\n' <<<"$defaults")" ] && continue
    grep -qxF -- "$value" <<<"$defaults" ||
      report "the page says that $names defaults to $value, the tool says $(paste -sd '|' <<<"$defaults")"
  done < <(entry_defaults "$work/text")
done
if command -v scdoc >/dev/null; then
  for page in "$source"/man/*.scd; do
    scdoc <"$page" >/dev/null 2>"$work/scdoc" || { echo "${page##*/}: $(cat "$work/scdoc")" && bad=1; }
  done
fi
if [ $checked -eq 0 ]; then
  echo "no tool is built in $bin"
  exit 77
fi
[ $bad -eq 0 ] && echo "$checked man pages in step with their tools"
exit $bad
