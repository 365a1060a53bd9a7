# Frames follow each other, skip frames are passed over, damaged blocks become zeros.
printf 'one ' | statesmix -1 >a; printf 'two' | statesmix -1 >b
printf '\253SMXSKIP\003\000\000\000abc' >skip
cat a skip b | statesmix -d; echo
cat a b | statesmix list --json - | jq -c '[.frames, .bytes_in]'
seq 1 400 >n; statesmix -1 -B 500 -c n >n.ssmx
offset=$(( $(statesmix list --json n.ssmx | jq .bytes_out) / 2 ))
{ head -c $offset n.ssmx; printf '\252\273\314'; tail -c +$((offset + 4)) n.ssmx; } >d.ssmx
statesmix decompress --keep-going -o d d.ssmx 2>err; echo "exit $?"
grep -c damaged err
test "$(stat -c %s d)" = "$(stat -c %s n)" && echo "same length"
