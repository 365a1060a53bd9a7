# shellcheck shell=bash
torture_case points-file writer 'qmc-sample points sobol -d 3 -n 2048 --randomize lms+ds --seed 1 -o @OUT@' ext=.npy
torture_case points-pipe filter 'qmc-sample points sobol -d 3 -n 2048 --randomize lms+ds --seed 1'
torture_case brownian-file writer 'qmc-sample brownian @IN@ --seed 1 -d 4096 -o @OUT@' in="$(torture_make q.jsonl 'printf "[0,1]\n[0.25,0.5]\n"')" ext=.npy
torture_case kernel-fit writer "qmc-sample kernel fit --seq sobol -d 1 --kernel '{\"type\":\"dsi\",\"noise\":0.1}' @IN@ -o @OUT@" in="$(torture_make y.npy 'qmc-sample points sobol -d 1 -n 64 --randomize none -o @OUT@')" ext=.safetensors cut=reject
torture_case transform-file writer "qmc-sample transform 'uniform(1,3)' @IN@ -o @OUT@" in="$(torture_make x.npy 'qmc-sample points sobol -d 2 -n 512 --randomize none -o @OUT@')" ext=.npy
torture_case merge-file writer 'qmc-sample merge @IN@ -o @OUT@' in="$(torture_make part.npy 'qmc-sample points sobol -d 2 -n 512 --randomize none --slice 0/1 -o @OUT@')" ext=.npy cut=reject
