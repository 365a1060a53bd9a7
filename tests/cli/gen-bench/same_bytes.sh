# Threads, slices, zone and locale change nothing; a shorter run is a prefix of a longer one.
gen-bench generate --family conflict17 -n 60 --quiet --no-frame --threads 1 -o one
for t in 2 7; do
  TZ=Asia/Tokyo LC_ALL=C.UTF-8 gen-bench generate --family conflict17 -n 60 --quiet --no-frame --threads $t -o many
  cmp one many
done
gen-bench generate --family conflict17 -n 20 --quiet --no-frame -o short
head -n "$(wc -l <short)" one | cmp - short
for family in conflict17 multiagent; do
  gen-bench generate --family $family -n 15 --quiet -o whole
  for i in 0 1 2 3; do gen-bench generate --family $family -n 15 --quiet --slice $i/4 -o part.$i; done
  gen-bench merge part.* | cmp - whole
done
gen-bench generate --family conflict17 -n 60 --quiet --no-frame --no-validate -o plain
jq -r .task_id one | sort >a
jq -r .task_id plain | sort >b
comm -23 a b
