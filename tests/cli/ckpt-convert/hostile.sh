# Every hostile file ends as its expected.json says, in at most one line.
cd "$TESTDATA/ckpt-convert/hostile" || exit 1
jq -r 'to_entries[] | "\(.key) \(.value.exit)"' expected.json | while read -r file want; do
  ckpt-convert verify "$file" >/dev/null 2>"$OLDPWD/err"
  got=$?
  lines=$(wc -l <"$OLDPWD/err")
  if [ "$got" != "$want" ] || [ "$lines" -gt 1 ]; then echo "$file: exit $got, want $want"; fi
  cat "$OLDPWD/err"
done
