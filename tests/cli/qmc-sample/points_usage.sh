#!/usr/bin/env bash
# What is not defined is refused before any output.
try() { qmc-sample points "$@"; echo $?; }
try sobol -d 21202 -n 1
try sobol -n 4
try sobol -d 2
try sobol -d 2 -n 4 --randomize shift
try lattice -d 2 -n 4 --randomize lms
try iid -d 2 -n 4 --randomize ds
try sobol -d 2 -n 1 --start 2^32
try sobol -d 2 -n 2 --start 18446744073709551615
try lattice -d 2 -n 1048577
try lattice -d 2 -n 4 --order linear
try sobol -d 2 -n 4 --order linear
try kronecker -d 2 -n 4 --order gray
try sobol -d 2 -n 4 --slice 3/3
try sobol -d 2 -n 4 --slice x
try sobol -d 2 -n 4 --seed 18446744073709551616
try nosuch -d 2 -n 4
try net -d 2 -n 4
try net:nosuch.txt -d 2 -n 4
try sobol --dims 0 -n 4
try sobol --dims 5 -d 4 -n 4
try lattice -d 2 -n 4 --alpha 2
try lattice -d 2 -n 4 --bits 20
try sobol -d 2 -n 4 --interval open --dtype u32
try sobol -d 2 -n 4 --layout col --format csv
try sobol -d 2 -n 4 --hammersley
try sobol -d 2 -n 4 --rng numpy-sfc64 --randomize nus
try sobol -d 2 -n 4 --replication 16777216
try sobol -d 2 -n 4 --allow-extend
qmc-sample points lattice -d 2 -n 4 --seed 1 >/dev/full; echo $?
echo "# lattice" > cut.txt; echo 2 >> cut.txt
try lattice:cut.txt -d 1 -n 4
printf '# dnet\n4\n1\n2\n2\n1 2\n' > base4.txt
try net:base4.txt -d 1 -n 4
printf '# dnet\n2\n1\n2\n2\n1 4\n' > large.txt
try net:large.txt -d 1 -n 4
printf '# lattice\n1\n12\n5\n' > twelve.txt
try lattice:twelve.txt -d 1 -n 4
printf 'no keyword\n' > none.txt
try lattice:none.txt -d 1 -n 4
qmc-sample points sobol -d 2 -n 2^20 --seed 1 | head -c 1 >/dev/null
