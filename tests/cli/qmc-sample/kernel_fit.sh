#!/usr/bin/env bash
# Gaussian processes and worst-case errors.
qmc-sample points sobol -d 1 -n 64 --randomize none --transform 'c0' -o y.npy
K='{"type":"dsi","alpha":2,"gamma":1,"noise":0.01}'
qmc-sample kernel fit --seq sobol -d 1 --kernel "$K" y.npy -o m.safetensors | jq -c '[(.gamma | length), (.scale > 0), (.noise < 0.01), (.loss < 0)]'
qmc-sample kernel fit --seq sobol -d 1 --kernel "$K" --gcv y.npy -o g.safetensors | jq -c 'keys'
qmc-sample points sobol -d 1 -n 64 --start 64 --randomize none -o x.npy
qmc-sample kernel predict m.safetensors x.npy -o p.npy
qmc-sample kernel predict m.safetensors x.npy --grid -o q.npy
qmc-sample transform 'uniform(0,1)' p.npy | head -c 80 | wc -c
qmc-sample points sobol -d 2 -n 64 --randomize none -o x2.npy
qmc-sample kernel predict m.safetensors x2.npy; echo $?
qmc-sample kernel predict m.safetensors x.npy --grid -o /dev/null; echo $?
qmc-sample points kronecker -d 1 -n 64 --randomize none -o h.npy
qmc-sample kernel predict m.safetensors h.npy --grid; echo $?
qmc-sample kernel predict y.npy x.npy 2> /dev/null; echo $?
qmc-sample kernel fit --seq sobol -d 1 --kernel "$K" x2.npy -o n.safetensors; echo $?
qmc-sample discrepancy --kind worst-case --kernel '{"type":"si","alpha":1,"gamma":1}' --seq lattice -d 1 -n 1 | jq -c .kinds
qmc-sample discrepancy --kind worst-case --kernel '{"type":"dsi","alpha":1,"gamma":1}' --seq sobol -d 2 -n 16
qmc-sample discrepancy --kind worst-case --seq sobol -d 2 -n 16; echo $?
qmc-sample discrepancy --kind centered --seq sobol -d 2 -n 16; echo $?
