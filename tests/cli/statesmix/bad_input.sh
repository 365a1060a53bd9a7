# Damage is exit 3 (1 for test), with file, block and offset; usage is 2, environment 4.
seq 1 300 >a; statesmix compress -1 a
run() { "$@"; echo "exit $?"; }
head -c 60 a.ssmx >cut.ssmx
{ head -c 70 a.ssmx; printf 'XYZ'; tail -c +74 a.ssmx; } >bad.ssmx
run statesmix decompress -c cut.ssmx >/dev/null
run statesmix decompress -c bad.ssmx
run statesmix test bad.ssmx
run statesmix list cut.ssmx
run statesmix decompress -o z bad.ssmx
ls z 2>/dev/null
cat a.ssmx - >garbage.ssmx <<<junk
run statesmix decompress -o g garbage.ssmx
cmp g a && echo delivered
run statesmix decompress a
run statesmix decompress -c a
run statesmix decompress missing.ssmx
run statesmix compress -o x a cut.ssmx
run statesmix compress --nonsense a
run statesmix decompress -M 1Mi -c a.ssmx
run statesmix decompress --max-output 100 -c a.ssmx
run statesmix -d -t a.ssmx
STATESMIX_ISA=sparc run statesmix compress -c a
