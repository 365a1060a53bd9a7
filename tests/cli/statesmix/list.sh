# The same from a file, which is passed over, and from a pipe, which is read; cuts are seen either way.
seq 1 3000 >plain; statesmix -1 -B 4Ki plain; head -c 100000 /dev/zero >zeros; statesmix -1 zeros
cat plain.ssmx zeros.ssmx >both.ssmx
statesmix list both.ssmx >file; statesmix list - <both.ssmx >redirected; cat both.ssmx | statesmix list >piped
awk 'NR == 2 { print $1, $2, $3 == '"$(stat -c %s both.ssmx)"', $4 }' file
for f in redirected piped; do sed 's/ -$/ both.ssmx/' $f | cmp - file && echo same; done
for n in 10 1000 $(($(stat -c %s both.ssmx) - 1)); do
  head -c "$n" both.ssmx >cut.ssmx; statesmix list cut.ssmx >none 2>from_file; a=$?
  statesmix list <cut.ssmx >none 2>from_pipe; b=$?
  echo "exit $a $b"; sed 's/stdin/cut.ssmx/' from_pipe | cmp - from_file
done
statesmix list plain.ssmx missing.ssmx zeros.ssmx | awk '{ print $NF }'; echo "exit ${PIPESTATUS[0]}"
