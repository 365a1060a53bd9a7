#!/usr/bin/env bash
# Lent pages give the bytes that copied ones give, also to a reader that falls behind.
for options in "sobol -d 3 -n 2^18" "lattice -d 7 -n 99999" "sobol -d 4 -n 2^16 --randomize nus"; do
  # shellcheck disable=SC2086
  qmc-sample points $options -q --seed 5 --threads 1 -o copied.npy
  for threads in 1 2; do
    # shellcheck disable=SC2086
    qmc-sample points $options -q --seed 5 --splice --threads "$threads" |
      (sleep 0.1; cat) | cmp - copied.npy && echo same
  done
done
qmc-sample points sobol -d 3 -n 2000 --layout col --replications 40 -q --seed 5 -o copied.npy
qmc-sample points sobol -d 3 -n 2000 --layout col --replications 40 -q --seed 5 --splice |
  (sleep 0.1; cat) | cmp - copied.npy && echo same
qmc-sample points sobol -d 3 -n 2000 --layout col --replications 40 -q --seed 5 --splice > file.npy
cmp file.npy copied.npy && echo same
qmc-sample points sobol -d 3 -n 2^28 --seed 1 --splice | head -c 100 | wc -c
echo "${PIPESTATUS[0]}" # the reader has gone: as SIGPIPE ends a filter
qmc-sample points sobol -d 3 -n 8 --splice -o file.npy; echo $?
qmc-sample points sobol -d 3 -n 8 --splice --format csv; echo $?
