#!/usr/bin/env bash
# Two known sizes, whatever the number of threads.
for threads in 1 2 7; do
  sbus-check model --agents 2 --max-version 2 --retry-budget 1 --threads $threads |
    sed 's/"seconds":[^,]*,"states_per_s":[^,]*/TIMES/'
  sbus-check model --history none --threads $threads | sed 's/"levels.*"exact"/"exact"/; s/"seconds.*"complete"/"complete"/'
done
