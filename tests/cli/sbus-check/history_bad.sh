#!/usr/bin/env bash
# Malformed histories: exit 3 with file and line; what cannot be settled: exit 4.
try() { printf '%b' "$1" >h; shift; sbus-check history "$@" h | cut -c 1-40; echo "exit ${PIPESTATUS[0]}"; }
try ''
try '{:type :ok :f :txn :process 0 :value [[:w :x'
try '{:type :ok :f :txn :process 0 :value [[:q :x 1]]}'
try '{:type :odd :f :txn :process 0}'
try '{:type :invoke :f :read :process 0}\n{:type :invoke :f :read :process 0}'
try '{"session":1,"ops":[["w","x",1]]}\n{"session":1,"ops":[["w","x",1]]}'
try '{"session":1,"ops":[["w","x",1]]}\n{"session":1,"ops":[["w","x",1]]}' --allow-dup
try '{"session":1,"ops":[["w","x",1],["a","x",1]]}'
try '{"session":1,"start":2,"end":1,"ops":[["w","x",1]]}'
try '{"session":1}' --format jsonl
try 'w(1,2,3)\n'
try 'q 1 2\n' --format awdit
try '{:type :ok :f :read :process 0 :value 1}' --level ser
try 'w 0 1\n' --level linear
try '{:process 0 :type :invoke :f :write :value 1} {:process 1 :type :invoke :f :write :value 2} {:process 2 :type :ok :f :read :value 3}' --budget 1
sbus-check history absent; echo "exit $?"
sbus-check history one two; echo "exit $?"
