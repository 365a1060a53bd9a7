#!/usr/bin/env bash
# A command over pipes gives what the formula gives.
result() { sed 's/,"algo".*//'; }
qmc-sample integrate --f 'x1' -d 2 --seed 3 --abs-tol 1e-3 | result
timeout 20 qmc-sample integrate --exec-text 'sed -u s/,.*//' -d 2 --seed 3 --abs-tol 1e-3 | result
timeout 20 qmc-sample integrate --exec-text 'sed -u s/,.*//' --measure 'normal(2,1)' -d 1 --seed 3 | result
timeout 20 qmc-sample integrate --exec 'exit 5' -d 1 --seed 3; echo $?
timeout 20 qmc-sample integrate --exec-text 'sed -u s/.*/nan/' -d 1 --seed 3; echo $?
timeout 20 qmc-sample integrate --exec-text 'sed -u s/.*/1/; exit 9' -d 1 --seed 3; echo $?
qmc-sample integrate -d 1 --seed 3; echo $?
qmc-sample integrate -d 1 --seed 3 --f x1 --exec cat; echo $?
# Neither a command that never answers nor one that does not end holds the run up.
timeout 20 qmc-sample integrate --exec 'cat > /dev/null' -d 1 --seed 3 --exec-timeout 200ms; echo $?
command='sed -u s/.*/1/; sleep 50'
timeout 20 qmc-sample integrate --exec-text "$command" -d 1 --seed 3 --exec-timeout 1s 2> /dev/null
echo $?
qmc-sample integrate --f x1 -d 1 --exec-timeout 1s; echo $?
