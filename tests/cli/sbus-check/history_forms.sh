#!/usr/bin/env bash
# One history, lost update, in every form; auto tells which.
verdict() { sbus-check history "$1" | grep -o '"valid":[a-z"]*\|"model":"[a-z-]*"\|"G-single":1' | tr '\n' ' '; echo "${PIPESTATUS[0]}"; }
cat >h.jsonl <<'H'
{"session":1,"ops":[["w","x",1]]}
{"session":2,"ops":[["r","x",1],["w","x",2]]}
{"session":3,"ops":[["r","x",1],["w","x",3]]}
H
cat >h.edn <<'H'
[{:process 1 :type :ok :f :txn :value [[:w :x 1]]}
 {:process 2 :type :ok :f :txn :value [[:r :x 1] [:w :x 2]]}, ; commas are blanks
 {:process 3 :type :ok :f :txn :value [[:r :x 1] [:w :x 3]]}]
H
cat >h.json <<'H'
[{"process":1,"type":"ok","f":"txn","value":[["w","x",1]]},
 {"process":2,"type":"ok","f":"txn","value":[["r","x",1],["w","x",2]]},
 {"process":3,"type":"ok","f":"txn","value":[["r","x",1],["w","x",3]]}]
H
w='{"Write":{"variable":0,"version":'; r='{"events":[{"Read":{"variable":0,"version":1}},'
echo "{\"data\":[[{\"events\":[${w}1}}],\"committed\":true}],[$r${w}2}}],\"committed\":true}],[$r${w}3}}],\"committed\":true}]]}" >h.dbcop
printf 'w(0,1,0,0)\nr(0,1,1,1)\nw(0,2,1,1)\nr(0,1,2,2)\nw(0,3,2,2)\n' >h.plume
printf 'w 0 1\n=====\nr 0 1\nw 0 2\n=====\nr 0 1\nw 0 3\n' >h.awdit
for form in jsonl edn json dbcop plume awdit; do echo "$form: $(verdict h.$form)"; done
sbus-check history h.jsonl
sbus-check history --table always h.jsonl
sbus-check history --level si --no-solve h.jsonl | grep -o '"valid":"unknown"'
