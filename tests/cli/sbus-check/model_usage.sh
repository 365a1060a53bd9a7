#!/usr/bin/env bash
sbus-check model --agents 17; echo $?
sbus-check model --shards 0; echo $?
sbus-check model --max-version 256; echo $?
sbus-check model --mutant none; echo $?
sbus-check model --history none --invariant NoLostUpdate; echo $?
sbus-check model --invariant LogNotAhead; echo $?
sbus-check model --spec distributed --mutant read-ahead; echo $?
sbus-check model --reach NonFreshCommit; echo $?
sbus-check model --agents 1 --json; echo $?
sbus-check model --agents 2 --max-states 10 | grep -o '"complete":[a-z]*'; echo "${PIPESTATUS[0]}"
sbus-check model --agents 1 --max-version 1 --shards 1 >/dev/full; echo $?
