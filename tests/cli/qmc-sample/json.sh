# A command without figures of its own still says with --json=FILE how it ran; stdout keeps its data.
qmc-sample points sobol -d 1 -n 8 -q >points.npy
qmc-sample kernel fwht --json=summary.json points.npy | cmp - <(qmc-sample kernel fwht points.npy)
jq -c '[.tool, .seed, (.cpu_s >= 0), (.peak_rss > 0)]' summary.json
