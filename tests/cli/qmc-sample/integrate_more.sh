#!/usr/bin/env bash
# Bayesian and multilevel algorithms, vector outputs, Sobol' indices, control variates.
cut_tail() { sed 's/"wall_s":.*"stop_reason":\("[a-z_]*"\).*/"stop_reason":\1}/'; }
round() { jq -c "$1 | map(. * 1000 | round / 1000)"; }
qmc-sample integrate --f keister -d 2 --abs-tol 1e-3 --seed 7 --algo bayes-net | cut_tail
qmc-sample integrate --f keister:scale=-1 -d 2 --abs-tol 1e-3 --seed 7 --algo bayes-lattice | cut_tail
for rule in gcv full; do
  qmc-sample integrate --f keister -d 2 --abs-tol 1e-3 --seed 7 --algo bayes-lattice --bayes $rule | jq -c .n
done
qmc-sample integrate --f asian -d 2 --abs-tol 5e-2 --seed 7 --algo mlmc | round .integral
qmc-sample integrate --f barrier:B=60 -d 2 --abs-tol 0.5 --seed 7 --algo mlqmc | jq -c '[.converged, .sequence]'
qmc-sample integrate --f ishigami -d 3 --sensitivity --seed 7 --trace t.jsonl | jq -c '[.integral, .sensitivity.closed, .sensitivity.total] | map(map(. * 100 | round / 100))'
head -1 t.jsonl | jq -c '.integral | length'
qmc-sample integrate --f 'x1*x2 + x1/100' -d 2 --abs-tol 1e-5 --seed 7 --cv 'x1*x2=0.25' --cv x1=0.5 | jq -c '[.n, .integral]'
timeout 20 qmc-sample integrate --exec-text 'sed -u "s/\(.*\),\(.*\)/\2,\1,0.5/"' -d 2 --abs-tol 1e-4 --seed 7 --jobs 3 | jq -c '[.integral, .n, .converged]'
timeout 20 qmc-sample integrate --exec-text 'sed -u s/,.*// | sed -u 2s/$/,1/' -d 2 --seed 7; echo $?
qmc-sample integrate --f keister -d 2 --algo mlmc --seed 7; echo $?
qmc-sample integrate --f asian -d 2 --algo mlqmc --rel-tol 1e-2 --seed 7; echo $?
qmc-sample integrate --f x1 -d 1 --cv x1 --seed 7; echo $?
qmc-sample integrate --f x1 -d 1 --cv x1=0.5 --algo rep-t --seed 7; echo $?
qmc-sample integrate --f x1 -d 1 --sensitivity --algo mc-g --seed 7; echo $?
qmc-sample integrate --f x1 -d 1 --jobs 2 --seed 7; echo $?
qmc-sample integrate --f 'sum(i,1,1e6,sum(j,1,1e6,0))' -d 1; echo $?
