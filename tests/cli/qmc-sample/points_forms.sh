#!/usr/bin/env bash
# The same points in every form; shapes and dtypes of .npy.
qmc-sample points sobol -d 3 -n 4 --randomize none --format csv
qmc-sample points sobol -d 2 -n 3 --start 1 --randomize none --format jsonl -q
qmc-sample points sobol -d 2 -n 4 --randomize none --order gray --format csv
qmc-sample points sobol -d 2 -n 2 --randomize none --format csv --interval open
qmc-sample points sobol -d 2 -n 2 --randomize none --format csv --dtype u32
qmc-sample points sobol -d 2 -n 2 --randomize none --format csv --dtype u64
qmc-sample points lattice --dims 2,5-6 -n 2^2 --randomize none --format csv
qmc-sample points lattice -d 2 -n 5 --total 5 --order linear --randomize none --format csv
qmc-sample points kronecker -d 2 -n 3 --randomize none --format csv
qmc-sample points iid -d 2 -n 2 --seed 7 --format csv
qmc-sample points sobol -d 1 -n 4 --total 4 --hammersley --randomize none --format csv
qmc-sample points sobol -d 3 -n 4 --randomize none | head -c 128 | tail -c 118
qmc-sample points sobol -d 3 -n 4 --randomize none --layout col --dtype f32 | head -c 128 | tail -c 118
qmc-sample points sobol -d 3 -n 4 --seed 1 --replications 2 | head -c 128 | tail -c 118
qmc-sample points sobol -d 3 -n 0 --seed 1 | wc -c
qmc-sample points sobol -d 0 -n 3 --seed 1 | wc -c
qmc-sample points lattice -d 2 -n 4 --seed 7 --rng numpy-sfc64 --format csv
