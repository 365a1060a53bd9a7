#!/usr/bin/env bash
sbus-check model --spec distributed --agents 1 --shards 1 --max-version 1 --reach NonFreshCommit --trace --table always | sed '/^seconds/d'
echo $?
sbus-check model --spec distributed --agents 1 --shards 1 --max-version 1 --max-term 0 --reach NonFreshCommit | grep -o '"reached":[a-z]*'
sbus-check model --spec distributed --agents 1 --shards 1 --max-version 1 --max-term 0 --reach NonFreshCommit >/dev/null || echo "exit $?"
