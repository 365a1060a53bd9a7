# A burst by hand (see the unit test), and a learner that finds the best target of a curve.
{
  echo t,concurrency
  for t in $(seq 0 140); do echo "$t,$((t >= 20 && t < 40 ? 1000 : 100))"; done
} >load
kv-sim autoscale load
kv-sim autoscale --target 1000 --min-pods 2 --tick 10s load
kv-sim autoscale --curve
kv-sim autoscale --curve --capacity 300 --seed 9 | jq -c '[.target, .best_target]'
kv-sim autoscale --tick 0s load
echo "exit $?"
kv-sim autoscale --curve --step 300
echo "exit $?"
printf 't,concurrency\n1,5\n1,6\n' | kv-sim autoscale
echo "exit $?"
printf 't,concurrency\n0,5\n1e12,6\n' | kv-sim autoscale
echo "exit $?"
