"""Three servers on one PostgreSQL database, one of them killed and started again."""
import atexit
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

database = os.environ["SBUS_PG"]


class Server:
    def __init__(self):
        self.process = subprocess.Popen(
            ["sbus-check", "serve", "-q", "--admin", "--listen", "127.0.0.1:0", "--store", "pg:" + database],
            stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)  # a test that fails leaves no server behind
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the server did not start")
        self.url = json.loads(line)["listening"]

    def call(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(self.url + path, data, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def commit(self, key, expected, agent, **more):
        return self.call("/commit", {"key": key, "expected_version": expected, "delta": agent,
                                     "agent_id": agent, **more})


servers = [Server() for _ in range(3)]
one, two, _ = servers
one.call("/admin/reset", {})
for key in "abcd":
    assert one.call("/shard", {"key": key, "content": "c", "goal_tag": 'g"\\'})[0] == 201
assert two.call("/shard", {"key": "a"})[1]["error"] == "ShardAlreadyExists"
assert two.call("/shard/a?agent_id=x")[1]["goal_tag"] == 'g"\\'
assert one.commit("b", 0, "x")[1]["new_version"] == 1  # the deliveries are shared
assert two.commit("a", 0, "y")[0] == 200
status, why = one.commit("b", 1, "x")
assert (status, why["error"], why["key"], why["current_version"]) == (409, "CrossShardStale", "a", 1)
assert one.commit("b", 0, "z")[1]["error"] == "VersionMismatch"
assert one.commit("b", 0, "z", read_set=[{"key": "q", "version_at_read": 0}])[0] == 404
assert two.call("/session", {"agent_id": "x"})[0] == 200
assert one.commit("b", 1, "x")[0] == 200
assert two.call("/rollback", {"key": "b", "target_version": 1, "agent_id": "x"})[1]["version"] == 3
assert two.call("/rollback", {"key": "b", "target_version": 7, "agent_id": "x"})[0] == 409
assert one.call("/delivery_log/register", {"agent_id": "x", "shards_used": ["a", "b", "no"]})[1] == {
    "ok": True, "registered": 1, "skipped_existing": ["b"], "skipped_no_shard": ["no"]}
assert one.call("/shards")[1] == {"shards": ["a", "b", "c", "d"], "count": 4}
assert one.call("/shard", {"key": "nul\0"})[0] == 503

stop = threading.Event()
accepted = [0]


def agent(name):
    mine = random.Random(name)
    while not stop.is_set():
        try:
            server = mine.choice(servers)
            reads = {key: server.call(f"/shard/{key}?agent_id=r{name}")[1]["version"] for key in "abcd"}
            key = mine.choice("abcd")
            if mine.choice(servers).commit(key, reads[key], f"r{name}")[0] == 200:
                accepted[0] += 1
        except OSError:  # the server that was killed
            time.sleep(0.02)


def until(commits):
    end = time.monotonic() + 60
    while accepted[0] < commits and time.monotonic() < end:
        time.sleep(0.05)


threads = [threading.Thread(target=agent, args=(name,)) for name in range(6)]
for t in threads:
    t.start()
until(10)
servers[2].process.kill()
servers[2].process.wait()
servers[2] = Server()
until(25)
stop.set()
for t in threads:
    t.join()
for server in servers:
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(10) == 0
done = subprocess.run(["sbus-check", "audit", "--format", "sbus-pg", "--summary", "--no-frame", database],
                      capture_output=True, text=True)
assert done.returncode == 0, (done.stdout[-2000:], done.stderr)
summary = json.loads(done.stdout.splitlines()[-1])
assert summary["commits"] >= accepted[0] >= 25, (summary, accepted)
assert summary["view_checked"] > 5 and summary["version_gaps"] == 0, summary
