#!/usr/bin/env python3
"""Mutates the right end states of gen-bench tasks and asks `gen-bench judge` about each mutant.

A second opinion on `gen-bench validate`: it shares no code with it and knows nothing of contracts.
The right end is what the oracle leaves behind; every mutant that differs from it in something that
is no free text must be rejected.

usage: mutate_tasks.py TASKS [--gen-bench PROGRAM] [--tasks N]
Prints one JSON object: {tasks, mutants, killed, kill_rate, by_op, survivors}; exit 1 on survivors.
"""
import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile


def free_fields(task):
    """Fields that only free parameters write bear their names."""
    return {p["name"].lstrip("-") for tool in task["tools"] for p in tool["params"]
            if p["role"] == "free"}


def near(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if len(value) > 15 and value[4] == value[7] == "-" and value[10] == "T":
        return value[:8] + ("01" if value[8:10] != "01" else "02") + value[10:]
    return value + " too"


def initial_state(task):
    state = copy.deepcopy(task["init"].get("base", {}))
    for table, rows in task["init"].get("overlay", {}).items():
        if table.startswith("_"):
            continue
        if isinstance(rows, dict):
            state.setdefault(table, {}).update(rows)
            continue
        kept = {row_key(r): r for r in state.get(table, [])}
        for row in rows:
            kept[row_key(row)] = {k: v for k, v in row.items() if not k.startswith("_")}
        state[table] = list(kept.values())
    return state


def row_key(row):
    for name in ("id", "name", "city", "key", "path"):
        if name in row:
            return row[name]
    return json.dumps(row, sort_keys=True)


def key_name(row):
    return next(n for n in ("id", "name", "city", "key", "path") if n in row)


def row_mutants(table, rows, before, free):
    old = {row_key(r): r for r in before}
    new = {row_key(r): r for r in rows}
    for key, row in new.items():
        touched = old.get(key) != row
        others = [r for r in rows if r is not row]
        label = "touched" if touched else "untouched"
        yield f"row_delete_{label}", others
        twin = dict(row)
        twin[key_name(row)] = "zz" + str(key)[2:]
        yield f"row_copy_{label}", rows + [twin]
        for field, value in row.items():
            if field == key_name(row) or field in free or isinstance(value, (dict, list)):
                continue
            if value is None:
                continue
            changed = dict(row)
            changed[field] = near(value)
            yield f"field_{label}", others + [changed]
        if touched and key in old:
            yield "row_as_before", others + [old[key]]
            moved = dict(row)
            moved[key_name(row)] = "yy" + str(key)[2:]
            yield "recreate", others + [moved]
    for key, row in old.items():
        if key not in new:
            yield "row_back", rows + [row]


def cell_mutants(cells, before):
    for path, value in cells.items():
        yield "cell_delete", {k: v for k, v in cells.items() if k != path}
        yield "cell_change", {**cells, path: near(value)}
        if before.get(path) not in (None, value):
            yield "cell_as_before", {**cells, path: before[path]}
    yield "cell_extra", {**cells, "zz.extra": "x"}


def mutants(task, right):
    before = initial_state(task)
    free = free_fields(task)
    for table, content in right.items():
        was = before.get(table, {} if isinstance(content, dict) else [])
        if isinstance(content, dict):
            changes = cell_mutants(content, was)
        else:
            changes = row_mutants(table, content, was, free)
        for op, mutant in changes:
            state = dict(right)
            state[table] = mutant
            yield op, state
    for table, rows in before.items():
        if table not in right and isinstance(rows, list):
            for row in rows:
                yield "row_back", {**right, table: [row]}


class Judge:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def strict(self, task_file, state, answer):
        path = os.path.join(self.folder, "state.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(state, f)
        command = [self.program, "judge", "--task", task_file, "--state", path]
        if answer is not None:
            command += ["--answer", json.dumps(answer)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode not in (0, 1):
            sys.exit("judge failed: " + done.stderr.decode())
        return done.returncode == 0


def records(path):
    with open(path, encoding="utf-8") as f:
        for line in f:
            record = json.loads(line)
            if "task_id" in record:
                yield record


def oracle_ends(program, tasks, folder):
    """Final states by task id, and the answers given."""
    trials = os.path.join(folder, "trials.jsonl")
    subprocess.run([program, "run", "--agent", "builtin:oracle", "--keep-states", folder,
                    "--output", trials, tasks], check=True)
    ends = {}
    for trial in records(trials):
        with open(os.path.join(folder, trial["task_id"] + ".0.state.json"), encoding="utf-8") as f:
            ends[trial["task_id"]] = (json.load(f), trial.get("answer"))
    return ends


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks_file", metavar="TASKS")
    parser.add_argument("--gen-bench", default="gen-bench")
    parser.add_argument("--tasks", type=int, default=0, help="only the first N")
    options = parser.parse_args()
    counts, survivors, tasks = {}, [], 0
    with tempfile.TemporaryDirectory() as folder:
        ends = oracle_ends(options.gen_bench, options.tasks_file, folder)
        judge = Judge(options.gen_bench, folder)
        for task in records(options.tasks_file):
            if options.tasks and tasks >= options.tasks:
                break
            tasks += 1
            task_file = os.path.join(folder, "task.json")
            with open(task_file, "w", encoding="utf-8") as f:
                json.dump(task, f)
            right, answer = ends[task["task_id"]]
            if not judge.strict(task_file, right, answer):
                survivors.append({"task_id": task["task_id"], "op": "the right end is rejected"})
            cases = [(op, state, answer) for op, state in mutants(task, right)]
            if answer is not None:
                cases += [("answer_drop", right, None), ("answer_change", right, "no")]
            for op, state, given in cases:
                count = counts.setdefault(op, [0, 0])
                count[0] += 1
                if judge.strict(task_file, state, given):
                    survivors.append({"task_id": task["task_id"], "op": op})
                else:
                    count[1] += 1
    total = sum(c[0] for c in counts.values())
    killed = sum(c[1] for c in counts.values())
    print(json.dumps({"tasks": tasks, "mutants": total, "killed": killed,
                      "kill_rate": killed / total if total else None,
                      "by_op": {op: {"mutants": c[0], "killed": c[1]}
                                for op, c in sorted(counts.items())},
                      "survivors": survivors}))
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
