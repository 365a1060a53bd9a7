# Learned machines: as good as the references say.
D=$TESTDATA/gen-bench
gen-bench learn fit --score edsm "$D/dfa/d64.train" -o d64.json
gen-bench learn eval --model d64.json "$D/dfa/d64.test" --labels "$D/dfa/d64.labels" | jq .accuracy
for p in "p06 31.6252" "p20 25.5757"; do
  set -- $p
  gen-bench learn fit "$D/pdfa/$1.train" -o m.json
  gen-bench learn eval --model m.json "$D/pdfa/$1.test" --solution "$D/pdfa/$1.solution" | jq -c "[.states,.perplexity<$2]"
  gen-bench learn eval --model m.json "$D/pdfa/$1.test" --probs | awk '$1 <= 0 { bad = 1 } END { print NR, bad + 0 }'
done
gen-bench learn stream "$D/pdfa/p06.train" -o s.json
gen-bench learn eval --model s.json "$D/pdfa/p06.test" --solution "$D/pdfa/p06.solution" | jq '.perplexity<33.4'
gen-bench learn sample --model "$D/pdfa/p06.model.json" -n 3 --seed 1 -o a
gen-bench learn sample --model "$D/pdfa/p06.model.json" -n 3 --seed 1 --threads 3 | cmp - a
head -1 a
gen-bench generate --family conflict17 -n 8 --quiet | gen-bench run --agent builtin:oracle -o trials.jsonl -
gen-bench learn fit --score alergia trials.jsonl | jq '.symbols|length > 5'
printf '2 2\n1 3 0 1\n' >short
gen-bench learn fit --score rpni short
echo $?
