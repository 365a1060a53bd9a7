#!/usr/bin/env bash
# Shares of a job under mpirun, Slurm and GNU parallel, joined: the bytes of one run. A lost share is
# noticed by the join, and the share of a killed worker is made again alone. Launchers that are
# absent are passed over.
set -eu
shares=4
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_vader_single_copy_mechanism=none

fail() {
  echo "launchers.sh: $*" >&2
  exit 1
}

# A job is three functions: NAME_share SHARE PART, NAME_join OUT PART..., NAME_whole OUT.
points_share() { qmc-sample points sobol -d 3 -n 5000 --randomize lms+ds --seed 7 --slice "$1" -q -o "$2.npy"; }
points_join() { qmc-sample merge -q -o "$1" "${@:2}"; }
points_whole() { qmc-sample points sobol -d 3 -n 5000 --randomize lms+ds --seed 7 -q -o "$1"; }

tasks_share() { gen-bench generate --family conflict17 -n 24 --seed 7 --slice "$1" -q -o "$2.jsonl"; }
tasks_join() { gen-bench merge -q "${@:2}" -o "$1"; }
tasks_whole() { gen-bench generate --family conflict17 -n 24 --seed 7 -q -o "$1"; }

# The shares of a checkpoint write into one folder, and the last one puts it in its place.
reshard() {
  ckpt-convert reshard -q --to deepspeed --tp 1 --pp 2 --dp 3 "${@:2}" \
    "$TESTDATA/ckpt-convert/deepspeed/zero1-tp2-pp1-dp2/global_step7" "$1"
}
packed() { tar --sort=name --mtime=@0 -cf "$1" -C "$2" .; }
checkpoint_share() { reshard "$(dirname "$2")/made" --slice "$1"; }
checkpoint_join() { packed "$1" "$(dirname "$2")/made"; }
checkpoint_whole() { reshard "$1-made" && packed "$1" "$1-made"; }

sweep_share() { kv-sim sweep --config sweep.json --points design.npy --no-frame --slice "$1" -q -o "$2.jsonl"; }
sweep_join() { cat "${@:2}" >"$1"; }
sweep_whole() { kv-sim sweep --config sweep.json --points design.npy --no-frame -q -o "$1"; }
sweep_inputs() {
  qmc-sample points sobol -d 2 -n 21 --randomize lms+ds --seed 7 -q -o design.npy
  cat >sweep.json <<END
{"trace":{"file":"$TESTDATA/kv-sim/mooncake_head.jsonl"},"slo":{"ttft":"2s"},
 "cost":{"kind":"linear","a":"10ms","b":"10us","c":"1ms"},
 "sweep":{"params":[{"path":"batch.max_tokens","lo":512,"hi":4096,"scale":"int"},
                    {"path":"trace.scale_rate","lo":0.5,"hi":8,"scale":"log"}]}}
END
}

# Ranks of a scan wait for each other: only for launchers that start them all at once.
scan() { statesmix scan --a a.npy --b b.npy --c c.npy --x x.npy --mode split --deadline 60s "$@"; }
scan_share() { scan --slice "$1" --gather "$(dirname "$2").states" -q -o "$2.npy"; }
scan_join() { "$python" -c 'import sys, numpy as n
n.concatenate([n.load(p) for p in sys.argv[2:]]).tofile(sys.argv[1])' "$@"; }
scan_whole() { scan --ranks $shares -o y.npy && scan_join "$1" y.npy; }
scan_inputs() { "$python" -c 'import numpy as n
r = n.random.default_rng(1)
for name, shape in dict(a=500, b=(500, 4), c=(500, 4), x=(500, 3)).items(): n.save(name, r.random(shape))'; }

jobs=(points tasks checkpoint sweep)
for python in python3 /usr/bin/python3 ''; do $python -c 'import numpy' 2>/dev/null && break; done
together=("${jobs[@]}" ${python:+scan})
for job in "${together[@]}"; do export -f "${job}_share"; done
export -f reshard scan

# Each launcher runs the share of every rank; under mpirun and srun the tools find it themselves.
by_mpirun() { mpirun --oversubscribe -n $shares bash -c "$1_share auto $2/\$OMPI_COMM_WORLD_RANK" 2>/dev/null; }
by_srun() { srun -n $shares --overcommit bash -c "$1_share auto $2/\$SLURM_PROCID" 2>/dev/null; }
by_parallel() { parallel --will-cite "$1_share {}/$shares $2/{}" ::: $(seq 0 $((shares - 1))); }

# check LAUNCHER: every job in shares and whole.
check() {
  local launcher=$1 job
  [ "$launcher" = parallel ] || local jobs=("${together[@]}")
  for job in "${jobs[@]}"; do
    mkdir -p "$launcher/$job"
    "by_$launcher" "$job" "$launcher/$job" || fail "$launcher: a share of $job fails"
    "${job}_join" "$launcher-$job" "$launcher/$job"/*
    cmp "$launcher-$job" "whole-$job" || fail "$launcher: the shares of $job are not the whole"
  done
  echo "$launcher: ${jobs[*]}: $shares shares are the whole"
}

# A rank that is killed leaves nothing; the join says so; its share alone completes the job.
lose_one() {
  rm "$1/points/2.npy"
  if points_join broken "$1/points"/* 2>message; then fail "a lost share went unnoticed"; fi
  points_share "2/$shares" "$1/points/2"
  points_join again "$1/points"/*
  cmp again whole-points || fail "the share made again is another"
  for share in 0 1 3; do reshard late --slice $share/$shares; done
  [ ! -e late ] || fail "a checkpoint of which a share is missing was put in its place"
  reshard late --slice 2/$shares
  diff -r late whole-checkpoint-made || fail "the checkpoint of the share made again is another"
  echo "lost share: noticed, made again alone"
}

# Under Slurm this script calls itself, in the folder of the first call.
if [ $# -eq 1 ]; then
  check "$1"
  exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
sweep_inputs
[ -z "$python" ] || scan_inputs
for job in "${together[@]}"; do "${job}_whole" "whole-$job"; done
ran=0
if command -v parallel >/dev/null; then check parallel && lose_one parallel && ran=1; fi
if command -v mpirun >/dev/null; then check mpirun && ran=1; fi
status=0
"$STATEUTILS_SOURCE/scripts/with-slurm" bash "$0" srun || status=$?
case $status in
  0) ran=1 ;;
  77) ;;
  *) fail "under Slurm" ;;
esac
[ $ran -eq 1 ] || {
  echo "no launcher here"
  exit 77
}
