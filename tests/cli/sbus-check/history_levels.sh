#!/usr/bin/env bash
# Weak levels of AWDIT's histories, the same answer from every form that tells itself.
for file in causal-long-fork read-atomic-biswas-enea read-committed-non-repeatable-read none-hb-cycle; do
  for level in rc ra cc ser; do
    sbus-check history --level $level "$TESTDATA/sbus-check/awdit/$file.txt" >out
    echo "$file $level: exit $?"
  done
done
sbus-check history --level ser "$TESTDATA/sbus-check/awdit/causal-lost-update.txt"
echo "exit $?"
