#!/usr/bin/env bash
# Kernel systems and transforms.
k='{"type":"dsi","alpha":2,"gamma":[1,0.5]}'
qmc-sample points sobol -d 1 -n 16 --randomize none -o y.npy
qmc-sample points sobol -d 1 -n 16 --randomize none --layout col -o z.npy
qmc-sample kernel logdet --seq sobol -d 2 --kernel "$k" -n 16
qmc-sample kernel mul --seq sobol -d 2 --kernel "$k" y.npy -o ky.npy
qmc-sample kernel solve --seq sobol -d 2 --kernel "$k" ky.npy -o back.npy
qmc-sample kernel eig --seq lattice -d 2 --kernel '{"type":"si"}' -n 16 | wc -c
echo '{"type":"si","alpha":1,"noise":0.5,"scale":2}' > k.json
qmc-sample kernel logdet --seq lattice -d 2 --kernel @k.json -n 64
qmc-sample kernel fwht z.npy | qmc-sample kernel fwht | head -c 128 | cmp -n 128 - z.npy && echo same
qmc-sample kernel fftbr z.npy | qmc-sample kernel ifftbr | head -c 60 | grep -ao '<c16'
qmc-sample kernel logdet --seq lattice -d 2 --kernel "$k" -n 16; echo $?
qmc-sample kernel logdet --seq sobol -d 2 --kernel "$k" -n 17; echo $?
qmc-sample kernel logdet --seq sobol -d 3 --kernel "$k" -n 16; echo $?
qmc-sample kernel logdet --seq sobol -d 2 --kernel '{"type":"x"}' -n 16; echo $?
qmc-sample kernel logdet --seq sobol -d 2 --kernel '{"type":"dsi","alpha":5}' -n 16; echo $?
qmc-sample kernel logdet --seq sobol -d 2 --kernel '{"type":"dsi","beta":5}' -n 16; echo $?
qmc-sample points sobol -d 1 -n 12 -q --randomize none --layout col | qmc-sample kernel fwht; echo $?
