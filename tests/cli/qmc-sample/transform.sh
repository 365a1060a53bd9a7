#!/usr/bin/env bash
# Distributions, stages, and where they are not defined.
p() { qmc-sample points sobol -n 4 --seed 7 --format csv "$@"; }
p -d 2 --transform 'uniform(-1,1)'
p -d 3 --transform 'uniform(0,2):1,3;exponential(2):2'
p -d 2 --transform 'baker|normal'
p -d 3 --transform 'brownian(1,0.5,4,10,pca)'
qmc-sample points sobol -d 2 -n 8 --seed 7 --interval open -o u.npy
qmc-sample transform 'normal(1,2)' u.npy -o a.npy
qmc-sample points sobol -d 2 -n 8 --seed 7 --transform 'normal(1,2)' -o b.npy
cmp a.npy b.npy && echo same
for isa in scalar avx2 avx512; do
  STATEUTILS_ISA=$isa qmc-sample transform 'normal(1,2)' u.npy -o c.npy 2>/dev/null || continue
  cmp a.npy c.npy
done
p -d 2 --transform normal --interval halfopen; echo $?
p -d 2 --transform nothing; echo $?
p -d 2 --transform 'uniform(1)'; echo $?
p -d 2 --transform 'normal:3'; echo $?
p -d 2 --transform normal --dtype f32; echo $?
qmc-sample points sobol -d 2 -n 8 --randomize none | qmc-sample transform normal; echo $?
for extreme in 'gamma(1e300)' 'gamma(1e-300)' 'student-t(1e308)' 'beta(1,1e9)'; do
  p -d 2 --transform "$extreme"; echo $?
done
