# Forms of the scan agree; ranks in processes equal ranks in one.
cat >make.py <<'PY'
import numpy as np
r = np.random.default_rng(1)
T, N, P = 50, 4, 3
np.save("a", r.uniform(0.5, 1, T)); np.save("b", r.normal(size=(T, N))); np.save("c", r.normal(size=(T, N)))
np.save("x", r.normal(size=(T, P))); np.save("d", r.integers(0, 5, T).astype(float)); np.save("h", r.normal(size=(P, N)))
np.save("pb", r.normal(size=(7, N))); np.save("px", r.normal(size=(7, P)))
PY
for python in python3 /usr/bin/python3 ''; do $python -c 'import numpy' 2>/dev/null && break; done
[ -n "$python" ] || exit 77
$python make.py
s() { statesmix scan --a a.npy --b b.npy --c c.npy --x x.npy "$@"; }
s --h0 h.npy -o y.npy --h-out hy.npy
s --h0 h.npy --mode chunked --chunk 7 -o y1.npy --h-out h1.npy
s --h0 h.npy --mode split --ranks 3 -o y2.npy --h-out h2.npy
for i in 0 1 2; do s --h0 h.npy --mode split --slice $i/3 --gather g -o part$i.npy --h-out h3.npy & done; wait
s --mode prefix --prefix-b pb.npy --prefix-x px.npy -o yp.npy
s --mode bidirectional --order d.npy >yb.npy
$python - <<'PY'
import numpy as np
L = np.load
a, b, c, x = L("a.npy"), L("b.npy"), L("c.npy"), L("x.npy")
def scan(h, o):
    y = np.zeros_like(x); h = h.copy()
    for t in o:
        h = a[t] * h + np.outer(x[t], b[t]); y[t] = h @ c[t]
    return y, h
y, h = scan(L("h.npy"), range(50))
print(np.allclose(L("y.npy"), y, atol=1e-12), np.allclose(L("hy.npy"), h, atol=1e-12))
print(np.allclose(L("y1.npy"), y, atol=1e-12), np.allclose(L("y2.npy"), y, atol=1e-12), np.allclose(L("h1.npy"), h, atol=1e-12))
print((np.concatenate([L(f"part{i}.npy") for i in range(3)]) == L("y2.npy")).all(), (L("h3.npy") == L("h2.npy")).all())
print(np.allclose(L("yp.npy"), scan(L("px.npy").T @ L("pb.npy"), range(50))[0], atol=1e-12))
o = np.argsort(L("d.npy"), kind="stable")
z = np.zeros((3, 4))
print(np.allclose(L("yb.npy"), scan(z, o)[0] + scan(z, o[::-1])[0], atol=1e-12))
PY
s --slice 0/2; echo "exit $?"
s --slice 0/2 --gather lonely --deadline 50ms >/dev/null; echo "exit $?"
# What would not fit, or has no order, is refused in one line.
$python - <<'PY'
import numpy as np
np.save("wide", np.zeros((1, 300000))); np.save("one", np.ones(1)); np.save("nan", np.array([1.0] * 49 + [np.nan]))
PY
statesmix scan --a one.npy --b wide.npy --c wide.npy --x wide.npy >none; echo "exit $?"
s --order nan.npy >none; echo "exit $?"
