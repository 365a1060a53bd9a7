#!/usr/bin/env bash
# Objects: linearizability by default, Jepsen's invariants where the operations say so.
cd "$TESTDATA/sbus-check/porcupine" || exit
for file in etcd_000.log etcd_002.log c01-ok.txt c01-bad.txt c10-bad.txt; do
  sbus-check history $file; echo "$file: exit $?"
done
echo '{:process 0 :type :ok :f :acquire} {:process 1 :type :ok :f :acquire}' | sbus-check history - | head -n 1
echo '{:process 0 :type :ok :f :add :value 1} {:process 1 :type :ok :f :read :value 7}' | sbus-check history - | head -n 1
echo '{:process 0 :type :ok :f :add :value 1} {:process 1 :type :ok :f :read :value []}' | sbus-check history - | head -n 1
echo '{:process 0 :type :ok :f :transfer :value {:from 0 :to 1 :amount 1}} {:process 1 :type :ok :f :read :value {0 -1, 1 2}}' | sbus-check history - | head -n 1
