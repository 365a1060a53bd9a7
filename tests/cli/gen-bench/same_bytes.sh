# Threads, slices, zone and locale change nothing; a shorter run is a prefix of a longer one.
for family in conflict17 fsm knapsack listops paradox pdfa probe routing stategen; do
  n=20
  gen-bench generate --family $family -n $n --quiet --no-frame --threads 1 -o one
  TZ=Asia/Tokyo LC_ALL=C.UTF-8 gen-bench generate --family $family -n $n --quiet --no-frame --threads 3 | cmp - one
  gen-bench generate --family $family -n 8 --quiet --no-frame -o short
  head -n "$(wc -l <short)" one | cmp - short
  # Slice i of k holds the units j with j mod k = i: sorted by index they are the whole.
  for i in 0 1 2; do
    gen-bench generate --family $family -n $n --quiet --no-frame --slice $i/3
  done | jq -c '[.index,.task_id]' | sort -t, -k1.2n >parts
  jq -c '[.index,.task_id]' one | cmp - parts
  gen-bench generate --family $family -n $n --quiet --no-frame --no-validate | jq -r .task_id | sort >plain
  jq -r .task_id one | sort | comm -23 - plain
done
TZ=Pacific/Chatham gen-bench generate --family conflict17 -n 60 --quiet --no-frame --threads 7 -o many
gen-bench generate --family conflict17 -n 60 --quiet --no-frame | cmp - many
for family in conflict17 multiagent; do
  gen-bench generate --family $family -n 15 --quiet -o whole
  for i in 0 1 2 3; do gen-bench generate --family $family -n 15 --quiet --slice $i/4 -o part.$i; done
  gen-bench merge part.* | cmp - whole
done
gen-bench generate --family conflict17 -n 5000 --no-validate --quiet --no-frame -o long
gen-bench generate --family conflict17 -n 100 --no-validate --quiet --no-frame | cmp - <(head -100 long) && echo prefix
