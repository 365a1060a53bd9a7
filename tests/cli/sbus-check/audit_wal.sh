#!/usr/bin/env bash
# The server's log: known by its header, its chain followed, no trailer asked for.
wal=$TESTDATA/sbus-check/bus.wal
sbus-check audit --summary --no-frame "$wal"
echo "exit $?"
sbus-check audit --format sbus-wal --own-writes keep --no-frame "$wal"
echo "exit $?"
sed '4s/"content":"/&x/' "$wal" | sbus-check audit --no-frame -
echo "exit $?"
sed 3d "$wal" | sbus-check audit --no-frame -
echo "exit $?"
head -c -20 "$wal" | sbus-check audit --no-frame -
echo "exit $?"
head -c -20 "$wal" | sbus-check audit --tail --no-frame -
echo "exit $?"
