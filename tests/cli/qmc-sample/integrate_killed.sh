#!/usr/bin/env bash
# ask and tell killed again and again, at moments spread over their whole run: the state is always
# one of those before or after, and the integral is that of a run that nobody disturbed.
cut_tail() { sed 's/"wall_s":.*"stop_reason":\("[a-z_]*"\).*/"stop_reason":\1}/'; }
options=(-d 1 --abs-tol 1e-7 --seed 3 --guard 1)
step=0
# attempt COMMAND...: killed after a time that grows from one attempt to the next, then left alone.
attempt() {
  local micros
  for micros in $((step % 7 * 700 + 300)) $((step % 11 * 1500 + 1000)); do
    step=$((step + 1))
    { timeout -s KILL "$(printf '0.%06d' "$micros")" "$@" > /dev/null 2>&1; } 2> /dev/null && return
  done
  "$@" > /dev/null 2> err || { tail -n 1 err; return 1; }
}
while ! [ -e done.json ]; do
  attempt qmc-sample integrate ask state -o pts.npy "${options[@]}" || break
  qmc-sample integrate ask state -o pts.npy > answer.json || break
  if grep -q '"done":true' answer.json; then
    mv answer.json done.json
    continue
  fi
  qmc-sample transform 'kumaraswamy(2,3)' pts.npy -o values.npy
  attempt qmc-sample integrate tell state values.npy || break
  attempt qmc-sample integrate tell state values.npy || break
done
sed 's/^{"done":true,/{/' done.json | cut_tail > disturbed
qmc-sample integrate --f x1 --measure 'kumaraswamy(2,3)' "${options[@]}" | cut_tail > quiet
cmp disturbed quiet && echo the same
