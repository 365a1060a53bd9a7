#!/usr/bin/env bash
# Lent pages give the bytes that copied ones give, also to a reader that falls behind: those that
# are used again, those that are not, and where the system has no huge pages for the latter.
small_pages() {
  python3 -c 'import ctypes, os, sys
ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)  # PR_SET_THP_DISABLE
os.execvp(sys.argv[1], sys.argv[1:])' "$@"
}
command -v python3 > /dev/null || small_pages() { "$@"; }
for options in "sobol -d 3 -n 2^19" "lattice -d 7 -n 99999" "halton -d 5 -n 300001 --dtype f32" \
  "sobol -d 2 -n 300000 --layout col --replications 3"; do
  # shellcheck disable=SC2086
  qmc-sample points $options -q --seed 5 --threads 1 -o copied.npy
  # shellcheck disable=SC2086
  qmc-sample points $options -q --seed 5 --threads 2 | (sleep 0.1; cat) | cmp - copied.npy && echo same
  # shellcheck disable=SC2086
  small_pages qmc-sample points $options -q --seed 5 | (sleep 0.1; cat) | cmp - copied.npy && echo same
done
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
qmc-sample points sobol -d 3 -n 2^28 --seed 1 | head -c 100 | wc -c
echo "${PIPESTATUS[0]}"
qmc-sample points sobol -d 3 -n 8 --splice -o file.npy; echo $?
qmc-sample points sobol -d 3 -n 8 --splice --format csv; echo $?
