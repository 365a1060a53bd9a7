#!/usr/bin/env bash
# Nothing knows an integral beforehand: a built-in function, its formula and a command that computes
# it have the same bits, and so has the opposite function but for the sign.
command -v python3 > /dev/null || exit 77
cat > g.py << 'PY'
import sys
for line in sys.stdin:
    value = 1.0
    for j, x in enumerate(line.split(","), 1):
        a = (j - 2) / 2
        value *= (abs(4 * float(x) - 2) + a) / (1 + a)
    print(repr(value), flush=True)
PY
formula='prod(j,1,d,(abs(4*x[j]-2)+(j-2)/2)/(1+(j-2)/2))'
for algo in net-g lattice-g; do
  options=(-d 3 --abs-tol 2e-3 --seed 5 --algo "$algo")
  {
    qmc-sample integrate --f g-function "${options[@]}"
    qmc-sample integrate --f "$formula" "${options[@]}"
    qmc-sample integrate --exec-text 'python3 g.py' "${options[@]}"
    qmc-sample integrate --f "-($formula)" "${options[@]}" | jq -c '.integral[0] *= -1'
  } | jq -c '[.integral, .n_total, .converged]' | uniq -c | tr -s ' '
done
