#!/usr/bin/env bash
# `kv-sim run` beside two simulators of serving, requests per CPU second from file to summary, in
# alternating rounds: splitwise-sim (KV_BENCH_SPLITWISE, a checkout) on the Azure code trace, with
# equal means; vidur (importable, or KV_BENCH_VIDUR, a checkout) in chunked prefill on 4 replicas with
# a predictor of constant work, whose cost is none of the peer's. KV_BENCH_PYTHON names a python3
# that has their packages. Their start, the imports, is not counted; so that ours weighs little, it
# serves ten times vidur's requests of the same kind, at the same rate. An absent peer is passed over.
set -eu
python=${KV_BENCH_PYTHON:-python3} rounds=${KV_BENCH_ROUNDS:-5}
work=$(mktemp -d "${TMPDIR:-/tmp}/stateutils-kv.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

# ours REQUESTS CONFIG: requests per CPU second of 10 runs of kv-sim.
ours() {
  local TIMEFORMAT='%U %S'
  { time for _ in $(seq 10); do kv-sim run --no-bound --config "$2" >ours.json; done; } 2>cpu_seconds
  awk -v requests="$1" '{ print 10 * requests / ($1 + $2) }' cpu_seconds
}

# report WHAT TARGET COMMAND: lines of "ours peer" requests per CPU second on stdin.
report() {
  bash "$STATEUTILS_SOURCE/scripts/bench_figure.sh" -u "requests/CPU s" -T "$2" -c "$3" kv-sim "$1"
}

splitwise() {
  local trace=$TESTDATA/kv-sim/azure_code_2023.csv.zst requests
  cp -r "$KV_BENCH_SPLITWISE" peer
  rm -rf peer/results
  # One process: without the launcher for a cluster, nor its settings at the end of the file.
  sed -i -e '/override hydra\/launcher/d' -e '/^  launcher:/,$d' peer/configs/config.yaml
  kv-sim convert --no-frame "$trace" | jq -r '[.t + 1, .in, .out] | @tsv' |
    awk 'BEGIN { print "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size" }
         { printf "%d,2,0,%s,1,%d,%d\n", NR - 1, $1, $2, $3 }' >peer/traces/azure.csv
  requests=$(($(wc -l <peer/traces/azure.csv) - 1))
  echo "{\"trace\":{\"file\":\"$trace\"},\"model\":\"bloom-176b\",\"compat\":\"splitwise\",
    \"router\":\"token-jsq\",\"fleet\":[{\"device\":\"dgx-h100\",\"count\":2}]}" >splitwise.json
  cat >splitwise.py <<'PY'
import csv, glob, os, runpy, sys, time
import hydra, networkx, numpy, pandas, scipy.interpolate
requests = int(sys.argv[1])
os.chdir("peer")
sys.path.insert(0, ".")
sys.argv = ["run.py", "cluster=half_half", "cluster.servers.0.count=0", "cluster.servers.1.count=2",
            "applications.0.scheduler=token_jsq", "start_state=baseline", "performance_model=db",
            "trace.filename=azure", "seed=0"]
here, start = os.getcwd(), time.process_time()
runpy.run_path("run.py", run_name="__main__")
seconds = time.process_time() - start
summary = glob.glob(os.path.join(here, "results", "**", "summary.csv"), recursive=True)[0]
print(requests / seconds, next(csv.DictReader(open(summary)))["response_times_mean"])
PY
  for _ in $(seq "$rounds"); do
    read -r peer mean < <("$python" splitwise.py "$requests" 2>/dev/null | tail -n 1)
    echo "$(ours "$requests" splitwise.json) $peer"
    jq -e --argjson mean "$mean" '(.e2e.mean / $mean - 1 | fabs) < 1e-9' ours.json >&2
  done 2>means | report "run --compat splitwise vs splitwise-sim, Azure code trace, 2 DGX-H100" 500 \
    "kv-sim run --config splitwise.json"
  sort -u means
}

vidur() {
  "$python" - <<'PY'
import json, random
rng, at = random.Random(1), 0.0
with open("vidur.csv", "w") as csv, open("vidur.jsonl", "w") as jsonl:
    csv.write("arrived_at,num_prefill_tokens,num_decode_tokens\n")
    for i in range(20000):
        at += rng.expovariate(8)
        prompt, out = rng.randint(200, 3000), rng.randint(10, 300)
        if i < 2000:
            csv.write(f"{at:.6f},{prompt},{out}\n")
        jsonl.write(json.dumps({"t": round(at, 6), "in": prompt, "out": out}) + "\n")
PY
  echo '{"trace":{"file":"vidur.jsonl"},"model":"llama2-7b","fleet":[{"count":4,"device":"a100-80gb"}],
    "cost":{"kind":"linear","a":"10ms","b":"20us","c":"50us"},
    "batch":{"max_seqs":128,"max_tokens":512}}' >vidur.json
  cat >chunked.py <<'PY'
import os, sys, time
sys.path.insert(0, os.environ.get("KV_BENCH_VIDUR", ""))
from vidur.config import SimulationConfig
from vidur.execution_time_predictor import execution_time_predictor_registry as registry
from vidur.execution_time_predictor.base_execution_time_predictor import BaseExecutionTimePredictor
from vidur.simulator import Simulator
from vidur.types import ExecutionTimePredictorType

def schedule_time(self, batch):  # ms: the linear cost of kv-sim's configuration
    return 10 + sum(0.02 * n if n > 1 else 0.05 for n in batch.num_tokens)

methods = {name: lambda self, batch: 0.0 for name in BaseExecutionTimePredictor.__abstractmethods__}
methods["_get_schedule_time"] = schedule_time
Constant = type("Constant", (BaseExecutionTimePredictor,), methods)
kind = ExecutionTimePredictorType.RANDOM_FORREST
registry.ExecutionTimePredictorRegistry.unregister(kind)
registry.ExecutionTimePredictorRegistry.register(kind, Constant)
sys.argv = ["vidur", "--cluster_config_num_replicas", "4",
            "--request_generator_config_type", "trace_replay",
            "--trace_request_generator_config_trace_file", "vidur.csv",
            "--replica_scheduler_config_type", "sarathi",
            "--sarathi_scheduler_config_chunk_size", "512",
            "--sarathi_scheduler_config_batch_size_cap", "128",
            "--global_scheduler_config_type", "round_robin",
            "--no-metrics_config_enable_chrome_trace", "--no-metrics_config_store_plots",
            "--no-metrics_config_write_metrics", "--metrics_config_output_dir", "vidur-out"]
start = time.process_time()
simulator = Simulator(SimulationConfig.create_from_cli_args())
simulator.run()
print(2000 / (time.process_time() - start), simulator._time, flush=True)
os._exit(0)  # without the plots that it draws at exit
PY
  kv-sim run --config vidur.json --set trace.limit=2000 >same.json
  for _ in $(seq "$rounds"); do
    read -r peer end < <("$python" chunked.py 2>vidur.err | tail -n 1)
    echo "the 2000 requests end at $end s, in kv-sim $(jq .makespan_s same.json) s after the first" >&2
    echo "$(ours 20000 vidur.json) $peer"
  done 2>ends | report "run, chunked prefill, 4 replicas vs vidur with a constant predictor" 1000 \
    "kv-sim run --config vidur.json"
  sort -u ends
}

if [ -n "${KV_BENCH_SPLITWISE:-}" ]; then splitwise; else echo "KV_BENCH_SPLITWISE names no checkout"; fi
if [ -n "${KV_BENCH_VIDUR:-}" ] || "$python" -c 'import vidur' 2>/dev/null; then
  vidur
else
  echo "$python has no vidur, nor does KV_BENCH_VIDUR name a checkout"
fi
