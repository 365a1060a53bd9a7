"""Random concurrent clients of sbus-check serve, well-behaved and not, and kills at random moments.

usage: sbus_endure.py SECONDS [SEED]. After every kill the log must hold all that was acknowledged and
audit clean, and the next server must begin where it ended.
"""
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time

from sbus_client import Client, Server, audit, raw

KEYS = ["plan", "a/b", "caf\u00e9", "d", "e f"]
AGENTS = 6
ROUNDS_PER_LOG = 8
GARBAGE = [b"GET / HTTP/1.1\r\n\r\n", b"POST /commit HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{{{",
           b"POST /commit HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           b"\x00\xff\n\n", b"GET /shards HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20000 + b"\r\n\r\n"]


class Round:
    """One server's life: what its clients were told is in `acknowledged`, (key, version) -> content."""

    def __init__(self, server, seed):
        self.server, self.seed = server, seed
        self.acknowledged, self.counts, self.wrong = {}, {}, []
        self.guard = threading.Lock()

    def told(self, key, version, content):
        with self.guard:
            before = self.acknowledged.setdefault((key, version), content)
            if before != content:
                self.wrong.append(f"{key} {version} was given to two writes")

    def count(self, what, status, allowed):
        with self.guard:
            self.counts[what, status] = self.counts.get((what, status), 0) + 1
            if status not in allowed:
                self.wrong.append(f"{what} was answered {status}")

    def agent(self, number):
        mine = random.Random(self.seed * 100 + number)
        while True:
            try:
                c = Client(self.server)
                while mine.random() > 0.02:
                    self.step(c, str(number), mine)
                c.send("GET", "/shards")  # and gone before the answer
                c.close()
            except (ConnectionError, OSError, ValueError):
                if self.server.process.poll() is not None or self.closing:
                    return

    def step(self, c, name, mine):
        what = mine.random()
        key = mine.choice(KEYS)
        if what < 0.75:
            self.commit(c, name, mine)
        elif what < 0.82:
            target = mine.randrange(5)
            status, shard = c.call("POST", "/rollback", {"key": key, "target_version": target,
                                                         "agent_id": name})
            self.count("rollback", status, (200, 404, 409))
            if status == 200:
                self.told(key, shard["version"], shard["content"])
        elif what < 0.88:
            self.count("session", c.call("POST", "/session", {"agent_id": name})[0], (200,))
        elif what < 0.92:
            status, _ = c.call("POST", "/delivery_log/register", {"agent_id": name, "shards_used": KEYS})
            self.count("register", status, (200,))
        elif what < 0.97:
            path = mine.choice(["/shards", "/stats", "/metrics"])
            self.count(path, c.call("GET", path)[0], (200,))
        else:
            answer = raw(self.server, mine.choice(GARBAGE), wait=0.2)
            if answer:
                self.count("garbage", int(answer.split()[1]), (400, 404, 431))

    def commit(self, c, name, mine):
        keys = mine.sample(KEYS, mine.randint(1, 3))
        versions = {}
        for key in keys:
            c.send("GET", "/shard/" + key.replace("/", "%2F").replace(" ", "%20").replace("\u00e9", "%C3%A9")
                   + "?agent_id=" + name)
        for key in keys:
            status, shard = c.answer()
            self.count("get", status, (200, 404))
            versions[key] = shard["version"] if status == 200 else None
        if None in versions.values():
            for key in keys:
                status, _ = c.call("POST", "/shard", {"key": key, "content": "new"})
                self.count("create", status, (201, 409))
                if status == 201:
                    self.told(key, 0, "new")
            return
        content = f"{self.seed}.{name}.{mine.random()}" + "x" * (3000 if mine.random() < 0.02 else 0)
        body = {"key": keys[0], "expected_version": versions[keys[0]], "delta": content, "agent_id": name}
        if mine.random() < 0.3:
            body["read_set"] = [{"key": key, "version_at_read": versions[key]} for key in keys[1:]]
        status, done = c.call("POST", "/commit/v2", body)
        self.count("commit", status, (200, 409, 413))
        if status == 200:
            self.told(keys[0], done["new_version"], content)

    def run(self, seconds, how):
        self.closing = False
        threads = [threading.Thread(target=self.agent, args=(n,)) for n in range(AGENTS)]
        for t in threads:
            t.start()
        time.sleep(seconds)
        self.closing = True
        if how == "term":
            self.server.stop()
        else:
            if how == "pause":
                self.server.process.send_signal(signal.SIGSTOP)
                time.sleep(0.05)
                self.server.process.send_signal(signal.SIGCONT)
            self.server.process.kill()
            self.server.process.wait()
        for t in threads:
            t.join()


def check(wal, acknowledged):
    """Everything acknowledged on this log is in it, and it is clean."""
    code, records, message = audit("--tail", wal)
    assert code == 0, (code, records[:3], message)
    written = {}
    with open(wal, encoding="utf-8", errors="replace") as f:
        for line in f:
            if line.endswith("\n") and '"op"' in line:
                record = json.loads(line)
                if record["op"] in ("create", "commit", "rollback"):
                    written[record["key"], record["version"]] = record["content"]
    for what, content in acknowledged.items():
        assert written.get(what) == content, (what, content, written.get(what))
    return records[-1]


def main(seconds, seed):
    work = tempfile.mkdtemp(dir=os.getcwd())
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    totals, kills, commits, rounds = {}, 0, 0, 0
    while time.monotonic() < end:
        if rounds % ROUNDS_PER_LOG == 0:
            if rounds:
                os.unlink(wal)
            wal, acknowledged = os.path.join(work, f"log{rounds}"), {}
        server = Server("--wal", wal, "--fsync", chance.choice(["always", "group:20", "never"]))
        this = Round(server, seed * 1_000_000 + rounds)
        how = chance.choices(["kill", "term", "pause"], [7, 2, 1])[0]
        before = len(acknowledged)
        this.run(min(chance.uniform(0.1, 1.5), max(end - time.monotonic(), 0.1)), how)
        assert not this.wrong, this.wrong[:5]
        acknowledged.update(this.acknowledged)
        if how != "term" and chance.random() < 0.5:
            with open(wal, "ab") as f:
                f.write(b'{"agent":"torn')
        summary = check(wal, acknowledged)
        kills += how != "term"
        commits += len(acknowledged) - before
        rounds += 1
        for what, count in this.counts.items():
            totals[what] = totals.get(what, 0) + count
        assert summary["ww"] == summary["xs_pairs"] == 0
    print(f"{rounds} servers, {kills} of them killed, {commits} acknowledged writes, answers:",
          ", ".join(f"{what} {status}: {count}" for (what, status), count in sorted(totals.items())))


main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
