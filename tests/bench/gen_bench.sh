#!/usr/bin/env bash
# gen-bench on one core, whole processes in CPU seconds, outputs written to files: tasks generated,
# generated with full validation, episodes run with one and with twenty trials a task, breadth-first
# search of the rings, learning. The targets are rates: the peers they come from (ClawForge,
# AutoWebWorld) are Python programs of no package. BENCH_SMOKE=1 runs tiny sizes.
set -eu
rounds=11 tasks=5000
[ -z "${BENCH_SMOKE:-}" ] || rounds=1 tasks=40
figure=$STATEUTILS_SOURCE/scripts/bench_figure.sh
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-gen-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
export OMP_NUM_THREADS=1

# seconds COMMAND: CPU time of one run.
seconds() {
  local TIMEFORMAT='%U %S'
  { time bash -c "$1" >/dev/null 2>err; } 2>cpu || {
    cat err >&2
    return 1
  }
  awk '{ print $1 + $2 }' cpu
}

# rate COUNT TARGET UNIT WHAT COMMAND: COUNT things a run, as things per CPU second.
rate() {
  seconds "$5" >/dev/null
  for _ in $(seq "$rounds"); do
    awk -v count="$1" -v seconds="$(seconds "$5")" 'BEGIN { print count / (seconds > 0 ? seconds : 0.001) }'
  done | bash "$figure" -u "$3/CPU s" -T "$2" -c "$5" gen-bench "$4"
}

rate "$tasks" 27000 tasks "plain generation, conflict17" \
  "gen-bench generate -q --family conflict17 --no-validate --threads 1 -n $tasks --seed 1 -o plain"
rate "$tasks" 1400 tasks "generation, solution and full validation, conflict17" \
  "gen-bench generate -q --family conflict17 --threads 1 -n $tasks --seed 1 -o tasks"
for agent in oracle inspect-first; do
  rate "$tasks" 45000 episodes "episodes of $agent, one trial a task" \
    "gen-bench run -q --threads 1 --agent builtin:$agent tasks >trials"
  rate $((20 * tasks)) 45000 episodes "episodes of $agent, --trials 20" \
    "gen-bench run -q --threads 1 --agent builtin:$agent --trials 20 tasks >trials"
  mean=$(jq -s 'map(select(.steps).steps | length) | add / length' trials)
  echo "mean steps of $agent: $mean"
done

# The search of a ring of pages, less the program's start (the smallest ring).
fsm=$TESTDATA/gen-bench/fsm
explore() { echo "for i in 1 2 3 4 5; do gen-bench import -q --from autowebworld $fsm/$1.json -o ring.json; done"; }
for ring in ring_11_4:8193:2300000 ring_16_4:262145:2000000; do
  IFS=: read -r name states target <<<"$ring"
  for _ in $(seq "$rounds"); do
    awk -v states="$states" -v all="$(seconds "$(explore "$name")")" -v start="$(seconds "$(explore ring_4_3)")" \
      'BEGIN { print 5 * states / (all > start ? all - start : 0.001) }'
  done | bash "$figure" -u "states/CPU s" -T "$target" -c "gen-bench import --from autowebworld $name.json" \
    gen-bench "breadth-first search of $name, start-up subtracted"
done

for problem in "edsm dfa/d64" "likelihood pdfa/p06" "likelihood pdfa/p20"; do
  read -r score name <<<"$problem"
  for _ in $(seq "$rounds"); do
    seconds "gen-bench learn fit -q --score $score $TESTDATA/gen-bench/$name.train -o model.json"
  done | bash "$figure" -s -u "CPU s" -c "gen-bench learn fit --score $score $name.train" gen-bench "learn fit, $score, ${name#*/}"
done
