# A line for each file and preset: as a table, as JSON, or both where there is room for both.
seq 1 400 >a; printf x >b
statesmix bench -b 2 -e 3 a b >table; awk '{ print $1, $2, $NF }' table
statesmix bench -b 1 -e 1 --json -o table a | jq -c '[.file, .preset]'; wc -l <table
statesmix bench -b 1 -e 1 --json=points -q a | wc -l; jq -c .preset points
statesmix bench -b 1 -e 1 --json a | jq -c '.bytes_out == '"$(statesmix -1 -c a | wc -c)"
statesmix bench -b 3 -e 2 a; echo "exit $?"
statesmix bench -b 1 -e 1 missing b >table; echo "exit $?"; wc -l <table
