#!/usr/bin/env bash
# What a server and a bench refuse to start with.
try() {
  echo "\$ sbus-check $*"
  timeout 20 sbus-check "$@" 2>&1
  echo "exit $?"
}
try serve --listen nowhere
try serve --listen 127.0.0.1:99999
try serve --listen 0.0.0.0:0
try serve --fsync sometimes
try serve --store here --listen 127.0.0.1:0
try serve --store wal:x --wal y --listen 127.0.0.1:0
echo '{"key":"not a log"}' >other
try serve --wal other --listen 127.0.0.1:0
printf 'half a line' >torn
try serve --wal torn --listen 127.0.0.1:0
try serve --wal . --listen 127.0.0.1:0
: >tokens
try serve --token-file tokens --listen 127.0.0.1:0
cat other torn
try bench
try bench --target ftp://x
try bench --target http://nowhere
try bench --target null --jitter-ms 5:1
try bench --target null --agents 0
try bench --target null --topology ring
try bench --target null --agents 1 --repeats 1 --attempts 5 --table always | tr -s ' ' | cut -d ' ' -f 1-6
