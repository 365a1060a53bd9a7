# --expect compares the SHA-256 of the output.
seq 1 300 >a; statesmix compress -1 a
sum=$(sha256sum <a | cut -d' ' -f1)
statesmix test --expect "$sum" a.ssmx && echo right
statesmix decompress --expect "$sum" -o b a.ssmx && cmp a b && echo written
statesmix decompress --expect "${sum/[0-9]/a}a" -o c a.ssmx || echo "exit $?"
statesmix decompress --expect "$(sha256sum </dev/null | cut -d' ' -f1)" -o c a.ssmx 2>/dev/null || echo "exit $?"
ls c 2>/dev/null
