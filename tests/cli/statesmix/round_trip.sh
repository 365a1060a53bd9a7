# Presets, block sizes, stdin and files; the source stays unless --rm.
seq 1 3000 >plain
for preset in 1 3 6; do
  statesmix compress -$preset -c plain >a.ssmx
  statesmix decompress -c a.ssmx | cmp - plain && echo "preset $preset"
done
statesmix compress -1 -B 4Ki plain
statesmix list plain.ssmx | awk '{ print $1, $2, $4 }'
ls
statesmix compress -1 plain || echo "exit $?"
statesmix compress -1 -f --rm plain && ls
statesmix decompress --rm plain.ssmx && ls
seq 1 3000 | cmp - plain && echo same
