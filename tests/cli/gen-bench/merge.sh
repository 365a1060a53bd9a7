# Shares join to the bytes of the whole; missing, doubled and foreign ones are refused.
gen-bench generate --family conflict17 -n 30 --quiet -o whole
for i in 0 1 2; do gen-bench generate --family conflict17 -n 30 --quiet --slice $i/3 -o t$i; done
gen-bench merge t2 t0 t1 | cmp - whole && echo tasks
gen-bench run --agent builtin:flaky:0.3 --trials 2 whole -o trials
for i in 0 1 2 3; do gen-bench run --agent builtin:flaky:0.3 --trials 2 --slice $i/4 whole -o r$i; done
gen-bench merge r0 r1 r2 r3 | cmp - trials && echo trials
gen-bench merge t0 t1; echo $?
gen-bench merge t0 t1 t1; echo $?
gen-bench generate --family conflict17 -n 30 --seed 1 --quiet --slice 2/3 -o other
gen-bench merge t0 t1 other; echo $?
grep task_id t0 >bare
gen-bench merge bare t1 t2; echo $?
