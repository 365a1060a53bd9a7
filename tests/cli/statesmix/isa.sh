# One stream whatever the kernels and threads.
seq 1 900 >a
for isa in scalar sse2 avx2 avx512 neon; do
  STATESMIX_ISA=$isa statesmix -6 -B 1500 -T 2 -c a >a.$isa 2>/dev/null || rm a.$isa
done
for threads in 1 7; do statesmix -6 -B 1500 -T $threads -c a >a.t$threads; done
for f in a.*; do cmp "$f" a.scalar || echo "differs: $f"; done
statesmix test --self >self && grep -c same self >/dev/null && echo "self-test passed"
