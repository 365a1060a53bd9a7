# Local times come from the rules of the pack; the judge takes them for the moments they name.
command -v jq >/dev/null || exit 77
gen-bench new start --quiet
grep -v '^ *//' start/pack.json | jq '
  .world.zones = {berlin: [["2026-01-01T00:00Z",60],["2026-03-29T01:00Z",120],["2026-10-25T01:00Z",60]], gander: [["2026-01-01T00:00Z",-210]]}
  | .slots.guest.from |= (to_entries | map(.value + {zone: (if .key % 2 == 0 then "berlin" else "gander" end)}))
  | .scenarios[0].instruction |= map(. + " It starts {when.local.guest.zone} for the guest, {when.local.berlin} here.")' >pack.json
gen-bench lint pack.json && echo clean
TZ=Asia/Tokyo gen-bench generate --pack ./pack.json -n 40 --quiet --no-frame -o tasks
jq -s -c '[length, (map(.validation.ok)|all)]' tasks
# Both local times and the contract's name one moment.
jq -r '[(.instruction | capture("starts (?<a>[^ ]*) for the guest, (?<b>[^ ]*) here") | .a, .b), (.contract.require[] | select(.id == "visit").match.start)] | @tsv' tasks |
  while read -r guest here start; do
    [ "$(date -u -d "$guest" +%FT%RZ) $(date -u -d "$here" +%FT%RZ)" = "$start $start" ] || echo "$guest $here $start"
  done
jq -r .instruction tasks | grep -o '+0[12]:00 here\|-03:30 for' | sort -u
gen-bench run --agent builtin:oracle tasks --no-frame | jq .verdict.strict | uniq
jq -c '.reference[0] |= map(gsub("(?<t>T[0-9:]*)Z"; "\(.t)+00:00")) | {task_id, commands: .reference[0]}' tasks >offsets
gen-bench run --agent replay:offsets tasks --no-frame | jq .verdict.strict | uniq
sed 's/local.guest.zone/local.berlin/' pack.json >less.json && gen-bench lint less.json
for wrong in '[["2026-01-01T00:00Z",60],["2025-01-01T00:00Z",0]]' '[["2026-01-01T00:00Z",1081]]' '[["soon",60]]' '[["2026-01-01T00:00Z"]]' '[]'; do
  jq -c --argjson rules "$wrong" '.world.zones.berlin = $rules' pack.json >wrong.json
  gen-bench lint wrong.json; echo $?
done
jq -c 'del(.world.zones.gander)' pack.json >wrong.json
gen-bench generate --pack ./wrong.json -n 1; echo $?
