# shellcheck shell=bash
torture_case points-file writer 'qmc-sample points sobol -d 3 -n 2048 --randomize lms+ds --seed 1 -o @OUT@' ext=.npy
torture_case points-pipe filter 'qmc-sample points sobol -d 3 -n 2048 --randomize lms+ds --seed 1'
