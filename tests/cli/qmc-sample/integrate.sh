#!/usr/bin/env bash
# Results of cubature; the tail of the object is the machine's.
cut_tail() { sed 's/"wall_s":.*"stop_reason":\("[a-z_]*"\).*/"stop_reason":\1}/'; }
qmc-sample integrate --f keister -d 2 --abs-tol 1e-3 --seed 7 | cut_tail
qmc-sample integrate --f keister:scale=-1 -d 2 --abs-tol 1e-3 --seed 7 --algo lattice-g | cut_tail
qmc-sample integrate --f ishigami -d 3 --seed 7 --algo rep-t --rel-tol 1e-2 --abs-tol 0 | cut_tail
qmc-sample integrate --f 'x1*x2' -d 2 --seed 7 --algo clt-rep | cut_tail
qmc-sample integrate --f 'x1' -d 1 --seed 7 --algo mc-clt | cut_tail
qmc-sample integrate --f 'x1' -d 1 --seed 7 --algo mc-g | cut_tail
qmc-sample integrate --f 'x1^2' -d 1 --measure 'normal(1,2)' --seed 7 --abs-tol 1e-2 --trace t.jsonl --check-cone | cut_tail
head -1 t.jsonl | sed 's/"wall_s.*//'
qmc-sample integrate --f box:s=-1 -d 3 --abs-tol 1e-6 --n-max 2^12 --seed 7 | cut_tail; echo "${PIPESTATUS[0]}"
qmc-sample integrate --f keister -d 2 --seed 7 --json=r.json && jq -r .n_total r.json
qmc-sample integrate --f nothing -d 2; echo $?
qmc-sample integrate --f box:t=1 -d 2; echo $?
qmc-sample integrate --f ishigami -d 2; echo $?
qmc-sample integrate --f 'x3' -d 2; echo $?
qmc-sample integrate --f box -d 2 --measure normal; echo $?
qmc-sample integrate --f box -d 2 --seed 1 --tol-mode both; echo $?
qmc-sample integrate --f box -d 2 --seed 1 --seq lattice --algo net-g; echo $?
qmc-sample integrate --f box -d 2 --seed 1 --seq halton; echo $?
qmc-sample integrate --f 'log(x1-2)' -d 2 --seed 1; echo $?
