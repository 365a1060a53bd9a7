#!/usr/bin/env bash
# brownian, diffuse, posterior and infer.
round() { jq -c "$1 | map(. * 10000 | round / 10000)"; }
printf '[0,1]\n[0.25,0.5]\n\n[0.1,0.9]\n' > q.jsonl
qmc-sample brownian q.jsonl --seed 7 -d 2 --tol 1e-6 -o w.npy
for t in 1 2; do qmc-sample brownian q.jsonl --seed 7 -d 2 --tol 1e-6 --threads $t | cmp - w.npy && echo same; done
tail -1 q.jsonl | qmc-sample brownian --seed 7 -d 2 --tol 1e-6 | tail -c 32 | cmp - <(tail -c 32 w.npy) && echo any order
qmc-sample points iid -d 2 -n 3 --seed 1 -o bad.npy
for line in '[0.5,0.5]' '[0,2]' '[0,1,2]' 'x'; do echo "$line" | qmc-sample brownian --seed 7; echo $?; done
qmc-sample brownian q.jsonl --t0 2 --t1 1; echo $?
qmc-sample brownian q.jsonl --tol 0; echo $?
for r in 1 2 3 4; do qmc-sample diffuse stability --method ghvb --order $r --beta 1 --corners 8 | jq -c '[.order, (.real_axis * 1e6 | round / 1e6), (.polygon | length)]'; done
qmc-sample diffuse stability --method ghvb --order 1 --beta 0.5 | round '[.real_axis]'
echo '{"weights":[1,1],"means":[[-2],[2]],"sds":[0.5,0.5]}' > mix.json
qmc-sample diffuse run mix.json --method ab2 --steps 5,20,80 -n 2000 --seed 7 | jq -c '[.rows[0].w2 > .rows[2].w2, .rows[2].steps]'
qmc-sample diffuse run mix.json --beta 0; echo $?
echo '{"init":[0.6,0.4],"trans":[[0.7,0.3],[0.4,0.6]],"emit":[[0.1,0.9],[0.6,0.4]],"obs":[0,1,1]}' > hmm.json
qmc-sample infer run hmm.json --blocks 'extend;resample:systematic;mh:3' -n 100 --runs 500 --seed 7 | jq -c '[.evidence.exact, (.posterior_means | length)]'
qmc-sample infer check hmm.json --blocks 'extend;resample:residual' -n 100 --runs 500 --seed 7 | jq -c .agrees
qmc-sample infer check hmm.json --blocks 'resample:residual' --seed 7; echo $?
echo '{"init":[0.6,0.5],"trans":[[1]],"emit":[[1]],"obs":[0]}' | qmc-sample infer run - --seed 7; echo $?
qmc-sample brownian sde --levels 3,4,5 --paths 100 --seed 7 | jq -c '[(.rows | map(.steps)), .order > 1.2]'
qmc-sample brownian sde --model langevin --levels 3,4,5 --paths 100 --seed 7 | jq -c '[.order > 1.7]'
qmc-sample brownian sde --levels 3,99 --seed 7; echo $?
problem='{"prior":{"weights":[1],"means":[[1,-2]],"sds":[0.8]},"A":[[1,0.5]],"y":[1.5],"noise":0.6}'
qmc-sample posterior - --seed 7 --steps 50,400 <<< "$problem" > both.json
round '.exact.mean' < both.json
jq -c '[.rows[] | [.order, .steps, .score_evaluations, .mean_error < 0.005, .cov_error < 0.01]]' both.json
qmc-sample posterior - --seed 7 --steps 50,400 --threads 1 <<< "$problem" | cmp - both.json && echo same
qmc-sample posterior - --order 3 <<< "$problem"; echo $?
qmc-sample posterior - --seed 7 --order 1 --steps 10 <<< "${problem/0.6/1e-9}"; echo $?
qmc-sample posterior - <<< "${problem/,0.5]]/]]}"; echo $?
