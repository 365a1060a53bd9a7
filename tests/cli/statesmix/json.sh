# Keys of the --json lines of compress, decompress, test, list and bench.
seq 1 200 >a; cp a b
statesmix compress -1 --json a b | jq -c '[.file, .bytes_in, .preset, .blocks, (.bpb > 0), (.cpu_seconds >= 0), (.wall_seconds >= 0), (.peak_rss > 0)]'
statesmix compress -1 -c --json a 2>err >a.out && jq -c 'keys' err
statesmix decompress --json -f a.ssmx | jq -c '[.file, .bytes_out, .blocks]'
statesmix compress -1 -f --json=sum.json a && jq -c .file sum.json
statesmix list --json a.ssmx | jq -c '[keys, .frames, .blocks, .bytes_in]'
statesmix bench -b1 -e2 --json a | jq -c '[.preset, .bytes_in, (.compress.cpu_seconds >= 0), (.decompress.wall_seconds >= 0), (.peak_rss > 0)]'
