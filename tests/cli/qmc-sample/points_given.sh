#!/usr/bin/env bash
# Explicit randomness, and what was drawn written out and read again.
kat=$TESTDATA/qmc-sample
qmc-sample points sobol -d 4 -n 64 --seed 5 -o a.npy --emit-randomness r.safetensors
qmc-sample points sobol -d 4 -n 64 --lms-matrix r.safetensors --shift r.safetensors -o b.npy
cmp a.npy b.npy && echo same
qmc-sample points sobol -d 2 -n 4 --alpha 2 --bits 60 --replications 3 --seed 5 -o a.npy --emit-randomness r.safetensors
qmc-sample points sobol -d 2 -n 4 --alpha 2 --replications 3 --lms-matrix r.safetensors --shift r.safetensors -o b.npy
cmp a.npy b.npy && echo same
qmc-sample points lattice -d 4 -n 64 --seed 5 -o a.npy --emit-randomness r.safetensors
qmc-sample points lattice -d 4 -n 64 --shift r.safetensors -o b.npy
cmp a.npy b.npy && echo same
qmc-sample points sobol --dims 2,4 -n 4 --lms-matrix "$kat"/lms_S_rows_u64_d4_t53.npy --format csv
qmc-sample points sobol -d 2 -n 2 --randomize ds --seed 7 --format csv --emit-randomness shift.txt
cat shift.txt
qmc-sample points lattice -d 2 -n 1 --seed 7 --format csv --emit-randomness shift.txt
cat shift.txt
qmc-sample points sobol -d 1 -n 1 --randomize lms --bits 4 --seed 7 --format csv --emit-randomness lms.txt
cat lms.txt
