# Any two losses among four files and two parity files are survived; three are refused.
mkdir d
for i in 1 2 3 4 5; do seq $((i * 3000)) >d/part$i; done
cp -r d good
ckpt-convert protect d --data 4 --parity 2
find d/.parity -type f | sort
ckpt-convert protect d --data 4 --parity 2
ckpt-convert protect d --data 3 --parity 2 || echo exit $?
rm d/part2
printf x | dd of=d/part4 bs=1 seek=700 conv=notrunc 2>/dev/null
truncate -s 10 d/.parity/g001-p00.bin
ckpt-convert repair d --quiet && diff -r -x .parity d good && echo same
ckpt-convert repair d && echo "nothing to do"
rm d/part1 d/part2 d/part3
ckpt-convert repair d --quiet || echo exit $?
find d -maxdepth 1 -type f | sort
cp good/part* d/

# One file becomes stripes; XOR is the code of one parity file.
mkdir one
seq 50000 >one/model
ckpt-convert protect one --data 3 --parity 1 --code xor
cp one/model model
printf x | dd of=one/model bs=1 seek=99999 conv=notrunc 2>/dev/null
ckpt-convert repair one && cmp one/model model && echo same
for options in '--data 8 --parity 2 --p 0.05' '--data 1 --parity 1 --p 0.5'; do
  ckpt-convert protect --estimate $options
done
ckpt-convert protect d --data 4 --parity 2 --code xor || echo exit $?
sed -i 's/"part1"/"..\/x"/' d/.parity/protect.json
ckpt-convert repair d 2>message || echo exit $?
mkdir empty && ckpt-convert protect empty || echo exit $?
