#!/usr/bin/env bash
# The bash completion of each tool offers its subcommands and, after one, that one's options.
set -u
if ! command -v jq >/dev/null; then
  echo "needs jq"
  exit 77
fi
bad=0
checked=0

# complete WORD...: what the tool's completion offers for the last word.
complete_words() {
  local function=_${1//-/_}
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  COMPREPLY=()
  "$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
  printf '%s\n' "${COMPREPLY[@]}"
}

for folder in "$STATEUTILS_SOURCE"/tools/*/; do
  tool=$(basename "$folder")
  [ -x "$STATEUTILS_BIN/$tool" ] || continue
  checked=$((checked + 1))
  # shellcheck source=/dev/null
  . <("$tool" --dump-completion bash)
  "$tool" --dump-completion zsh | head -n 1 | grep -qx "#compdef $tool" || bad=1
  offered=$(complete_words "$tool" "")
  last=
  while read -r name option; do
    if [ "$name" != "$last" ]; then
      last=$name
      [[ $'\n'"$offered"$'\n' == *$'\n'"$name"$'\n'* ]] || { echo "$tool: $name is not offered" && bad=1; }
      options=$(complete_words "$tool" "$name" "-")
    fi
    [[ $'\n'"$options"$'\n' == *$'\n'"$option"$'\n'* ]] || { echo "$tool $name: $option is not offered" && bad=1; }
  done < <("$tool" --dump-cli | jq -r '.subcommands[] | select(.hidden | not) | .name as $name
    | .options[] | select((.hidden | not) and (.names[0] | startswith("-"))) | "\($name) \(.names[-1])"')
done
if [ $checked -eq 0 ]; then
  echo "no tool is built"
  exit 77
fi
exit $bad
