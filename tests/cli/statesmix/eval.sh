# One JSON document; bytes_out equals the coded size that compress writes.
seq 1 1500 >a
for preset in 1 4; do
  statesmix eval -$preset --every 2000 a >e.json
  total=$(statesmix compress -$preset -c a | wc -c)
  jq -c --argjson total "$total" '[.model, .bytes, ($total - .bytes_out) < 80, (.curve | length), .curve[-1].at, .components]' e.json
done
for model in count ngram ssm full; do statesmix eval -4 --model $model a | jq .bytes_out; done >sizes
awk 'NR == 1 { count = $1 } NR == 4 { print ($1 < count ? "full beats count" : "worse") }' sizes
statesmix eval -4 --model ssm --no-recurrence a | jq '.bytes_out > 0'
statesmix eval -4 --model ssm --no-embed a | jq '.bytes_out > 0'
statesmix eval -1 --by component a | jq -c '[.components[] | select(.bpb_alone <= 0 or .bpb_without <= 0)], (.components | length)'
statesmix eval -1 --model ssm a; echo "exit $?"
