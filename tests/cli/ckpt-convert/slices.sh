# Shares in any order, and runs that a deadline stops, end in the bytes of one run.
src=$TESTDATA/ckpt-convert/torch-made/many_small.zip.pt
shard="--max-shard-size 4k --to safetensors"
ckpt-convert convert "$src" whole/ $shard
for i in 2 0 3 1; do ckpt-convert convert "$src" sliced/ $shard --slice $i/4; done
diff -r whole sliced && echo sliced
ls -a | sort
until ckpt-convert convert "$src" late/ $shard --deadline 1ns 2>err; do
  [ $? = 4 ] || break
  cat err >last
done
sed 's/[0-9]\+ bytes/N bytes/' last
diff -r whole late && echo late
ckpt-convert convert "$src" other/ $shard --slice 0/2
ckpt-convert convert "$src" other/ $shard --slice 1/3
echo "exit $?"
ckpt-convert convert "$src" other/ $shard
echo "exit $?"
ckpt-convert convert "$src" other/ $shard --force
diff -r whole other && echo forced
ckpt-convert convert "$src" one.safetensors --slice 0/2
echo "exit $?"
ckpt-convert convert "$src" one.safetensors --deadline 1h && ls one.safetensors*
data=$TESTDATA/ckpt-convert/deepspeed/zero1-tp2-pp2-dp2
mkdir a b
ckpt-convert reshard "$data" a/u --to universal
for i in 0 1 2; do ckpt-convert reshard "$data" b/u --to universal --slice $i/3; done
diff -r a b && echo universal
