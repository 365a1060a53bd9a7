#!/usr/bin/env bash
# Costly generators run in parallel: the same bytes for any number of threads, from any start.
for set in 'sobol --randomize nus' 'sobol --randomize nus --alpha 2' 'iid' 'halton' 'faure --randomize nus' 'sobol --randomize owen-hash'; do
  for start in 0 777; do
    # shellcheck disable=SC2086  # several words
    one=$(qmc-sample points $set -q -d 5 -n 70001 --start $start --seed 7 --threads 1 | sha256sum)
    for threads in 2 7; do
      # shellcheck disable=SC2086
      [ "$(qmc-sample points $set -q -d 5 -n 70001 --start $start --seed 7 --threads $threads | sha256sum)" = "$one" ] || echo "$set differs at $threads threads"
    done
  done
  echo "$set"
done
for isa in scalar avx2 avx512; do
  STATEUTILS_ISA=$isa qmc-sample points sobol -d 3 -n 5000 -q --seed 7 --transform normal 2> /dev/null | sha256sum > "$isa.sum" || rm "$isa.sum"
done
cmp scalar.sum "$([ -s avx2.sum ] && echo avx2.sum || echo scalar.sum)" && echo normal
