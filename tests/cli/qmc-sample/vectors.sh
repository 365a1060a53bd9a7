#!/usr/bin/env bash
qmc-sample vectors list
qmc-sample vectors show kuo-33002 -d 3
qmc-sample vectors show joe-kuo -d 2 -o jk.txt
head -4 jk.txt
qmc-sample vectors show joe-kuo -d 12 -o jk.txt
qmc-sample points net:jk.txt -d 12 -n 64 --randomize none -o a.npy
qmc-sample points sobol -d 12 -n 64 --randomize none -o b.npy
cmp a.npy b.npy && echo same
qmc-sample vectors import jk.txt --format npy -o jk.npy
qmc-sample points net:jk.npy -d 12 -n 64 --randomize none -o c.npy
cmp c.npy b.npy && echo same
printf 'd s a m_i\n2 1 0 1\n3 2 1 1 3\n4 3 1 1 3 1\n' > direct.txt
qmc-sample points net:direct.txt -d 4 -n 64 --randomize none -o d.npy
qmc-sample points sobol -d 4 -n 64 --randomize none -o b.npy
cmp d.npy b.npy && echo same
printf '# sobol\n1\n1 3\n1 3 1 # third\n' > plain.txt
qmc-sample points net:plain.txt -d 4 -n 64 --randomize none -o d.npy
cmp d.npy b.npy && echo same
# A polynomial lattice with Q = z^2 and a = z is the first digit alone; a = 1 the van der Corput net.
printf '# plattice\n2\n2\n2\n4\n1\n2\n' > poly.txt
qmc-sample points net:poly.txt -d 2 -n 4 --randomize none --format csv
qmc-sample vectors import poly.txt | tail -2
qmc-sample vectors show nothing; echo $?
