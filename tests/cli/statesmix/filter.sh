# xz-style form, tar -I both ways, several files.
mkdir dir && seq 1 500 >dir/numbers && echo hello >dir/hello
tar -I 'statesmix -1' -cf a.tar.ssmx dir
mkdir out && tar -I statesmix -xf a.tar.ssmx -C out && diff -r dir out/dir && echo "tar both ways"
statesmix -2 <dir/numbers | statesmix -d | cmp - dir/numbers && echo "pipe"
statesmix -1k dir/numbers dir/hello && ls dir
statesmix -t dir/*.ssmx && echo "tested"
statesmix -dc dir/hello.ssmx
cp a.tar.ssmx b.tssmx && statesmix -d b.tssmx && tar -tf b.tar
statesmix -1 -- dir/hello || echo "exit $?"
statesmix -l <dir/hello.ssmx | awk 'NR == 2 { print $1, $2, $4 }'
