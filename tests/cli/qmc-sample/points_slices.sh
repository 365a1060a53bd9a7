#!/usr/bin/env bash
# Slices in any order, threads and instruction sets: the bytes of the one run.
common=(lattice -d 5 -n 1000 --start 17 --seed 9 --replications 3)
qmc-sample points "${common[@]}" -o whole.npy
for k in 0 1 2; do qmc-sample points "${common[@]}" --slice $k/3 -o p$k.npy; done
qmc-sample merge p2.npy p0.npy p1.npy -o merged.npy && cmp merged.npy whole.npy && echo same
head -c 192 p1.npy | grep -ao '# slice 1/3 start=17 n=1000 options=[0-9a-f]*' | sed 's/options=.*/options=.../'
for isa in scalar avx2 avx512; do
  for threads in 1 2 7; do
    STATEUTILS_ISA="$isa" qmc-sample points "${common[@]}" -T "$threads" -o again.npy 2>/dev/null || continue
    cmp again.npy whole.npy
  done
done
# Replication r alone equals its part of all.
qmc-sample points "${common[@]}" --format raw -o all.raw
qmc-sample points lattice -d 5 -n 1000 --start 17 --seed 9 --replication 2 --format raw -o two.raw
tail -c 40000 all.raw | cmp - two.raw && echo same
# Columns first.
for k in 0 1; do qmc-sample points sobol -d 2 -n 4 --seed 1 --layout col --slice $k/2 -o c$k.npy; done
qmc-sample points sobol -d 2 -n 4 --seed 1 --layout col -o c.npy
qmc-sample merge c1.npy c0.npy -o cm.npy && cmp c.npy cm.npy && echo same
qmc-sample merge p0.npy p1.npy -o x.npy; echo $?
qmc-sample merge p0.npy p1.npy p1.npy -o x.npy; echo $?
qmc-sample merge p0.npy p1.npy c0.npy -o x.npy; echo $?
qmc-sample merge whole.npy -o x.npy; echo $?
[ -e x.npy ] || echo absent
