#!/usr/bin/env bash
# Quality parameters and discrepancies.
qmc-sample points sobol -d 2 -n 256 --seed 3 | qmc-sample check
qmc-sample points sobol -d 5 -n 256 --seed 3 -o five.npy
qmc-sample check five.npy --t 2; echo $?
qmc-sample check five.npy --t 3 --m 8; echo $?
qmc-sample check five.npy --projections 2
qmc-sample points faure -d 5 -n 125 --seed 1 | qmc-sample check - --base 5 --t 0; echo $?
qmc-sample points sobol -d 3 -n 64 --randomize nus --seed 4 | qmc-sample check
qmc-sample check five.npy --m 7; echo $?
qmc-sample points sobol -d 2 -n 12 -q --seed 3 | qmc-sample check; echo $?
qmc-sample points sobol -d 4 -n 32 --randomize none -o s.npy
qmc-sample discrepancy s.npy --kind centered,wrap-around,mixture,l2-star
qmc-sample discrepancy s.npy --kind star,symmetric,unanchored --weights 1,0.5,0.25,0.125
qmc-sample discrepancy s.npy | cmp - <(qmc-sample discrepancy s.npy -T 1 --kind centered) && echo same
qmc-sample discrepancy s.npy --kind mixture --weights 1,1,1,1; echo $?
qmc-sample discrepancy s.npy --kind best; echo $?
qmc-sample discrepancy s.npy --weights 1,2; echo $?
qmc-sample points sobol -d 2 -n 8 --seed 1 --transform 'uniform(0,2)' | qmc-sample discrepancy; echo $?
head -c 200 s.npy | qmc-sample discrepancy; echo $?
