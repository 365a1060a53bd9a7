# Streams of this model id: decoded as they were written, written as they were.
for preset in 1 2 3 4 5 6 7 8 9; do
  golden=$TESTDATA/statesmix/golden-8005-$preset.ssmx
  statesmix -dc "$golden" | cmp - "$TESTDATA/statesmix/source-6k.txt" || echo "preset $preset: not decoded"
  statesmix -$preset -c "$TESTDATA/statesmix/source-6k.txt" | cmp - "$golden" || echo "preset $preset: another stream"
done
cp "$TESTDATA/statesmix/golden-8005-6.ssmx" old.ssmx
for isa in scalar sse2 avx2 avx512 neon; do
  STATESMIX_ISA=$isa statesmix -dc old.ssmx >out 2>/dev/null || continue
  cmp out "$TESTDATA/statesmix/source-6k.txt"
done
