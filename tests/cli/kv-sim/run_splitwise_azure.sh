# The Azure code trace on 2 DGX-H100, bloom-176b, token-jsq: the means and percentiles that
# splitwise-sim (commit 8f99e7dc, seed 0, db model) prints, each to 1e-9.
cat >sw.json <<JSON
{"trace":{"file":"$TESTDATA/kv-sim/azure_code_2023.csv.zst"},"model":"bloom-176b",
 "router":"token-jsq","fleet":[{"device":"dgx-h100","count":2}]}
JSON
kv-sim run --compat splitwise --config sw.json -o ours.json
cat >theirs.json <<'JSON'
{"e2e":{"mean":22.73725036752473,"p50":16.820682382322957,"p90":51.06095407375362,
 "p99":88.06915516759254,"p999":127.04717564410034,"max":160.80810279442903},
 "ttft":{"mean":13.69523603626906,"p50":7.722070029154565,"p90":37.733275592685345,
 "p99":61.264120151662034,"max":66.26269395272993},
 "tbt":{"mean":0.4324965190688572,"p50":0.43631124398378535,"p99":1.0686023887088918},
 "queue":{"mean":13.341540706682057,"p50":7.340960880841521,"p99":60.97445607230926}}
JSON
jq -c --slurpfile ours ours.json '[paths(numbers) as $p |
  (getpath($p) as $x | ($ours[0] | getpath($p)) as $y | select(($x - $y | fabs) > 1e-9 * $x) |
  {$p, $x, $y})]' theirs.json
