#!/usr/bin/env bash
# Exit 1 and a shortest trace, the same for any number of threads.
small=(--agents 2 --max-version 2 --retry-budget 1)
for mutant in no-cross-check no-primary-check no-own-refresh read-ahead split-validate; do
  for threads in 1 2 7; do
    sbus-check model "${small[@]}" --mutant $mutant --trace --threads $threads >$threads.json
    echo "$mutant: $?"
    sed -i 's/"seconds":[^,]*,"states_per_s":[^,]*/TIMES/' $threads.json
  done
  cmp 1.json 2.json && cmp 1.json 7.json
  grep -o '"action":"[A-Z][^"]*","args":[^]]*]' 1.json
done
sbus-check model "${small[@]}" --mutant no-primary-check --table always --trace | sed '/^seconds/d'
