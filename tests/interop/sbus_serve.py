"""Drives sbus-check serve over real sockets; needs nothing but the standard library."""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from sbus_client import Client, Server, audit, expect, raw

work = tempfile.mkdtemp(dir=os.getcwd())
random.seed(7)


def endpoints():
    server = Server("--admin", "--max-delta", "10", "--ttl", "100")
    c = Client(server)
    made = expect(c.call("POST", "/shard", {"key": "a/b c", "content": "hello", "goal_tag": "g"}), 201,
                  key="a/b c", version=0, content="hello", owner=None, goal_tag="g", attempt_count=0,
                  conflict_count=0, delta_log_depth=0)
    assert c.seq == 1
    assert made["id"] == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", made["created_at"])
    expect(c.call("POST", "/shard", {"key": "a/b c"}), 409, "ShardAlreadyExists")
    expect(c.get("a/b c", "al ice"), 200, version=0)
    assert c.fields["etag"] == '"0"'
    expect(c.get("none"), 404, "ShardNotFound")
    expect(c.call("GET", "/shard/a/b"), 404, "NotFound")
    expect(c.call("DELETE", "/shard/x"), 405, "MethodNotAllowed")
    assert c.fields["allow"] == "GET"
    expect(c.commit("a/b c", 0, "al ice"), 200, new_version=1,
           shard_id="18ac3e7343f016890c510e93f935261169d9e3f565436429830faf0934f4f8e4")
    assert c.seq == 2
    expect(c.commit("a/b c", 0, "bob"), 409, "VersionMismatch", expected=0, found=1, key="a/b c")
    expect(c.commit("a/b c", 1, "bob", "x" * 11), 413, "DeltaTooLarge")
    expect(c.commit("none", 1, "bob", "x" * 11), 413, "DeltaTooLarge")
    expect(c.commit("none", 1, "bob"), 404, "ShardNotFound")
    c.call("POST", "/shard", {"key": "p"})
    expect(c.commit("p", 0, "bob", read_set=[{"key": "q", "version_at_read": 0}]), 404)
    expect(c.commit("p", 7, "bob", read_set=[{"key": "a/b c", "version_at_read": 0}]), 409,
           "CrossShardStale", key="a/b c", version_at_read=0, current_version=1)
    expect(c.get("a/b c", "bob"), 200, attempt_count=2, conflict_count=1, delta_log_depth=1)
    expect(c.call("POST", "/commit", {"key": "a/b c", "expected_ver": 1, "content": "t",
                                      "agent_id": ""}), 200, new_version=2)
    expect(c.commit("p", 0, "bob"), 409, "CrossShardStale", key="a/b c", version_at_read=1)
    # The explicit version wins over the one that was delivered.
    expect(c.commit("p", 0, "bob", read_set=[{"key": "a/b c", "version_at_read": 2}]), 200)
    expect(c.call("POST", "/session", {"agent_id": "bob"}), 200, agent_id="bob", status="created")
    expect(c.call("POST", "/rollback", {"key": "a/b c", "target_version": 1, "agent_id": "bob"}), 200,
           version=3, content="d", delta_log_depth=3)
    expect(c.call("POST", "/rollback", {"key": "a/b c", "target_version": 9, "agent_id": "bob"}), 409)
    expect(c.call("POST", "/rollback", {"key": "no", "target_version": 0, "agent_id": "bob"}), 404)
    c.get("p", "carl")
    expect(c.call("POST", "/delivery_log/register",
                  {"agent_id": "carl", "shards_used": ["p", "a/b c", "zz"], "source": "proxy"}), 200,
           ok=True, registered=1, skipped_existing=["p"], skipped_no_shard=["zz"])
    expect(c.call("POST", "/delivery_log/register", {"agent_id": "", "shards_used": []}), 400)
    expect(c.call("GET", "/shards"), 200, shards=["a/b c", "p"], count=2)
    stats = expect(c.call("GET", "/stats"), 200, total_commits=3, total_conflicts=1,
                   cross_shard_stale=2, total_attempts=4, scr=0.25, view_checked_commits=1,
                   view_divergent_commits=0, view_divergence_rate=0)
    assert f'sbus_commits_total {stats["total_commits"]}\n' in c.call("GET", "/metrics")[1]
    for body in (b"", b"{", b"[]", b'{"key":1}', b'{"key":"x","key":"x"}', b'{"key":"\\ud800"}',
                 b'{"key":"\xff"}', b'{"key":""}', b"[" * 100 + b"]" * 100):
        expect(c.call("POST", "/shard", body), 400, "BadRequest")
    for more in ({"expected_ver": 1}, {"expected_version": -1}, {"expected_version": 2**63},
                 {"expected_version": 1.0}, {"read_set": [{"key": "p"}]}, {"agent_id": None},
                 {"read_set": [{"key": "p", "version_at_read": 0}] * 2}):
        expect(c.call("POST", "/commit", {"key": "p", "expected_version": 1, "delta": "",
                                          "agent_id": "a", **more}), 400, "BadRequest")
    admin_endpoints(c)
    server.stop()


def admin_endpoints(c):
    expect(c.call("GET", "/admin/health"), 200, status="ok")
    expect(c.call("POST", "/admin/shard", {"key": "held", "owner": "ann"}), 201, owner="ann")
    expect(c.commit("held", 1, "bob"), 409, "VersionMismatch")
    expect(c.commit("held", 0, "bob"), 409, "TokenConflict", owner="ann", key="held")
    expect(c.commit("held", 0, "ann"), 200)
    expect(c.call("POST", "/admin/shard", {"key": "held", "owner": "bob"}), 200)
    expect(c.get("held"), 200, owner="bob")
    expect(c.call("POST", "/admin/inject-stale", {"agent_id": "i", "key": "p", "stale_version": 0}), 200)
    expect(c.call("GET", "/admin/delivery-log?agent_id=i"), 200, total_agents=1, total_deliveries=1)
    c.call("POST", "/shard", {"key": "n"})
    expect(c.commit("n", 0, "i"), 409, "CrossShardStale", version_at_read=0, current_version=1)
    expect(c.call("POST", "/admin/config", {"ori_enabled": False}), 200, ori_enabled=False)
    expect(c.commit("n", 0, "i"), 200)
    expect(c.call("GET", "/admin/config"), 200, ori_enabled=False, view_divergent_commits=1)
    expect(c.call("POST", "/admin/commit", {"key": "n", "expected_version": 1, "delta": "",
                                            "agent_id": "i"}), 200)
    expect(c.call("POST", "/admin/reset", {}), 200, cleared=4)
    expect(c.call("GET", "/shards"), 200, count=0)


def time_to_live():
    server = Server("--ttl", "150ms")
    c = Client(server)
    for key in "xyz":
        c.call("POST", "/shard", {"key": key})
    c.get("x", "a")
    expect(c.commit("x", 0, "b"), 200)
    time.sleep(0.2)
    expect(c.commit("y", 0, "a"), 410, "SessionExpired")
    c.get("z", "a")  # one fresh entry: the old one is only ignored
    expect(c.commit("y", 0, "a"), 200)
    expect(c.call("POST", "/session", {"agent_id": "a"}), 200)
    expect(c.call("GET", "/admin/health"), 403, "Forbidden")
    server.stop(signal.SIGINT)


def hostile():
    server = Server("--request-timeout", "300ms", "--idle-timeout", "1s", "--max-body", "1000",
                    "--max-connections", "20")
    get = b"GET /shards HTTP/1.1\r\nHost: x\r\n"
    post = b"POST /session HTTP/1.1\r\nHost: x\r\n"
    for head, status in (
            (post + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            (post + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400),
            (post + b"Content-Length: +2\r\n\r\n{}", 400),
            (post + b"Content-Length : 2\r\n\r\n{}", 400),
            (post + b"Transfer-Encoding: chunked, identity\r\n\r\n", 501),
            (post + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
            (post + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}}\r\n0\r\n\r\n", 400),
            (post + b"Content-Length: 1001\r\n\r\n", 413),
            (post + b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n", 413),
            (get + b" folded: x\r\n\r\n", 400), (get + b"A: b\nC: d\r\n\r\n", 400),
            (get + b"A: \x00\r\n\r\n", 400), (get + b"Host: y\r\n\r\n", 400),
            (get + b"Expect: tea\r\n\r\n", 417), (get + b"A: " + b"x" * 17000, 431),
            (b"GET /shards HTTP/1.1\r\n\r\n", 400), (b"GET /shards HTTP/3.0\r\nHost: x\r\n\r\n", 505),
            (b"GET  /shards HTTP/1.1\r\nHost: x\r\n\r\n", 400), (b"\r\n\r\n\r\n", 400),
            (b"GET /shard/%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            (b"GET /shard/%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
            (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400), (b"\x16\x03\x01\x02\r\n\r\n", 400)):
        said = raw(server, head)
        assert said.startswith(b"HTTP/1.1 %d " % status) and b"X-Sbus-Seq: 0" in said, (head, said)
        assert said.count(b"\r\nDate: ") == 1, (head, said)
    assert raw(server, get + b"A: b\r\n") == b""  # a slow head is closed
    assert raw(server, post + b"Content-Length: 9\r\n\r\n{") == b""  # and a slow body
    assert raw(server, b"") == b""  # and silence
    said = raw(server, post + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n")
    assert said == b"HTTP/1.1 100 Continue\r\n\r\n", said
    body = b'e;x=1\r\n{"agent_id":"a\r\n2\r\n"}\r\n0\r\nT: v\r\n\r\n'
    said = raw(server, (post + b"Transfer-Encoding: chunked\r\n\r\n" + body) * 3 + get +
               b"Connection: close\r\n\r\n")
    assert said.count(b"HTTP/1.1 200 OK") == 4 and b"X-Sbus-Seq: 3" in said, said
    crowd = [Client(server) for _ in range(20)]
    crowd[-1].get("x")
    assert raw(server, get + b"\r\n").startswith(b"HTTP/1.1 503 ")
    for c in crowd:
        c.close()
    server.stop()


def doors():
    tokens = os.path.join(work, "tokens")
    with open(tokens, "w") as f:
        f.write("first\n\nsecond token\r\n")
    server = Server("--token-file", tokens, "--rate", "5", listen="0.0.0.0:0")
    server.address = ("127.0.0.1", server.address[1])
    for token, status in ((None, 401), ("firs", 401), ("first", 200), ("second token", 200)):
        c = Client(server, token)
        assert c.call("GET", "/shards")[0] == status
    assert [c.call("GET", "/stats")[0] for _ in range(20)].count(429) >= 14
    server.stop()
    done = subprocess.run(["sbus-check", "serve", "--listen", "0.0.0.0:0"], capture_output=True)
    assert done.returncode == 2, done
    Server("--insecure", listen="0.0.0.0:0").stop()


def crossed_commits(rounds):
    """Two agents read both shards, then each commits to another one, at once: one wins."""
    wal = os.path.join(work, "crossed")
    server = Server("--wal", wal, "--fsync", "group:5")
    agents = [Client(server), Client(server)]
    for key in "xy":
        agents[0].call("POST", "/shard", {"key": key})
    wins = [0, 0]
    for _ in range(rounds):
        versions = []
        for name, c in enumerate(agents):
            for key in "xy":
                c.send("GET", f"/shard/{key}?agent_id={name}")
        for c in agents:
            versions.append([c.answer()[1]["version"] for _ in "xy"])
        for name, c in enumerate(agents):
            c.send("POST", "/commit/v2", {"key": "xy"[name], "expected_version": versions[name][name],
                                          "delta": "d", "agent_id": str(name)})
        answers = [c.answer() for c in agents]
        assert sorted(a[0] for a in answers) == [200, 409], answers
        loser = [a for a in answers if a[0] == 409][0]
        assert loser[1]["error"] == "CrossShardStale"
        wins[answers[0][0] != 200] += 1
    server.stop()
    code, records, message = audit(wal)
    assert code == 0 and records[-1]["commits"] == rounds, (code, records, message)
    assert records[-1]["view_checked"] == rounds


def killed(rounds):
    """Random clients, killed with SIGKILL at a random moment: nothing acknowledged is lost."""
    wal = os.path.join(work, "killed")
    acknowledged = {}
    guard = threading.Lock()
    for round_ in range(rounds):
        how = ("always", "group:1000", "never")[round_ % 3]
        server = Server("--wal", wal, "--fsync", how)
        c = Client(server)
        for key, (version, content) in acknowledged.items():
            got = expect(c.get(key), 200)
            assert got["version"] > version or (got["version"], got["content"]) == (version, content)

        def agent(name):
            mine = random.Random(round_ * 10 + name)
            try:
                c = Client(server)
                while True:
                    keys = mine.sample("abcd", 2)
                    reads = []
                    for key in keys:
                        status, shard = c.get(key, str(name))
                        reads.append(shard["version"] if status == 200 else None)
                        if status == 404:
                            c.call("POST", "/shard", {"key": key, "content": "new"})
                    if None in reads:
                        continue
                    content = f"{round_}.{name}.{mine.random()}"
                    status, done = c.commit(keys[0], reads[0], str(name), content)
                    if status == 200:
                        with guard:
                            if done["new_version"] > acknowledged.get(keys[0], (0,))[0]:
                                acknowledged[keys[0]] = (done["new_version"], content)
            except (ConnectionError, OSError, ValueError):
                return

        threads = [threading.Thread(target=agent, args=(name,)) for name in range(4)]
        for t in threads:
            t.start()
        time.sleep(random.uniform(0.02, 0.15))
        server.process.kill()
        for t in threads:
            t.join()
        server.process.wait()
        if round_ % 2:  # as a power cut would leave it
            with open(wal, "ab") as f:
                f.write(b'{"agent":"torn')
        code, records, message = audit("--tail", wal)
        assert code == 0, (code, records[:3], message)
    server = Server("--wal", wal)
    assert subprocess.run(["sbus-check", "serve", "--listen", "127.0.0.1:0", "--wal", wal],
                          capture_output=True).returncode == 4  # locked
    expect(Client(server).get("a"), 200)
    server.stop()
    broken_chain(wal)


def broken_chain(wal):
    with open(wal, "rb") as f:
        whole = f.read()
    lines = whole.splitlines(keepends=True)
    assert len(lines) > 20
    # What an independent program makes of the chain.
    import hashlib
    prev = "0" * 64
    for line in lines[1:]:
        record = json.loads(line)
        digest = record.pop("hash")
        assert record["prev"] == prev
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256((prev + text).encode()).hexdigest() == digest
        prev = digest
    spaced = os.path.join(work, "spaced")  # the chain is over the values, not over their spelling
    with open(spaced, "w") as f:
        for line in lines:
            f.write(json.dumps(json.loads(line)) + "\n")
    assert audit("--format", "sbus-wal", spaced)[0] == 0
    for at, change in ((9, lines[9].replace(b'"status":20', b'"status":21')), (12, b"")):
        bad = os.path.join(work, "bad")
        with open(bad, "wb") as f:
            f.writelines(lines[:at] + [change] + lines[at + 1:])
        before = os.stat(bad).st_size
        code, _, message = audit(bad)
        assert code == 3 and f"bad:{at + 1}:" in message, (code, message)
        done = subprocess.run(["sbus-check", "serve", "--listen", "127.0.0.1:0", "--wal", bad],
                              capture_output=True, text=True)
        assert done.returncode == 3 and os.stat(bad).st_size == before, done


def survives():
    wal = os.path.join(work, "survives")
    server = Server("--wal", wal, "--admin")
    c = Client(server)
    c.call("POST", "/admin/shard", {"key": "k", "content": "zero", "goal_tag": "tag\u00e9", "owner": "o"})
    c.call("POST", "/shard", {"key": "r", "content": "start"})
    expect(c.commit("r", 0, "a", "one \u2028\n\"\\"), 200)
    expect(c.commit("r", 1, "a", "two"), 200)
    expect(c.call("POST", "/rollback", {"key": "r", "target_version": 1, "agent_id": "a"}), 200)
    expect(c.call("POST", "/session", {"agent_id": "a"}), 200)
    before = [c.get(key)[1] for key in "kr"], c.seq
    server.process.kill()
    server.process.wait()
    server = Server("--wal", wal, "--max-log-depth", "2")
    assert server.hello["sequence"] == 6
    c = Client(server)
    after = [c.get(key)[1] for key in "kr"], c.seq
    assert after[0][1].pop("delta_log_depth") == 2 and before[0][1].pop("delta_log_depth") == 3
    assert before == after, (before, after)
    expect(c.call("POST", "/rollback", {"key": "r", "target_version": 1, "agent_id": "a"}), 409)
    server.stop()
    server = Server("--store", "wal:" + wal, "--ori", "off")
    c = Client(server)
    c.get("k", "late")
    c.commit("k", 0, "o")
    expect(c.commit("r", 3, "late"), 200)
    server.stop()
    code, records, _ = audit(wal)
    assert code == 1 and [r["type"] for r in records] == ["xs", "summary"], records
    assert records[0]["line"] == 9 and records[0]["stale_key"] == "k", records


def fails_to_write(name, **how):
    """A log that cannot be written: nothing is acknowledged that a restart would not show."""
    wal = os.path.join(work, name)
    server = Server("--wal", wal, **how)
    c = Client(server)
    acknowledged, status = -1, 201
    status, answer = c.call("POST", "/shard", {"key": "k", "content": "0"})
    while status in (200, 201):
        acknowledged += 1
        status, answer = c.commit("k", acknowledged, "a", str(acknowledged + 1))
    assert status == 503 and answer["error"] == "Unavailable" and acknowledged > 3, (status, answer)
    if status == 503:  # for good, and what failed is not seen
        c = Client(server)
        expect(c.get("k"), 200, version=acknowledged, content=str(acknowledged))
        expect(c.commit("k", acknowledged, "a"), 503, "Unavailable")
        expect(c.call("POST", "/shard", {"key": "other"}), 503, "Unavailable")
    c.close()
    server.stop(code=4)
    code, records, message = audit(wal)
    assert code == 0 and records[-1]["commits"] == acknowledged, (code, records, message)
    server = Server("--wal", wal)
    c = Client(server)
    expect(c.get("k"), 200, version=acknowledged, content=str(acknowledged))
    expect(c.get("other"), 404)
    expect(c.commit("k", acknowledged, "a"), 200)
    server.stop()


def failing_disk():
    if "TSAN_OPTIONS" not in os.environ:  # ThreadSanitizer maps files of its own, larger than that
        fails_to_write("full", limit_file=5000)
    if shutil.which("strace"):
        for name, call in (("eio", "fdatasync:error=EIO:when=9+"),
                           ("enospc", "write:error=ENOSPC:when=9+")):
            # Only calls on the log: the signal handler's own write must get through.
            fails_to_write(name, under=("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P",
                                        os.path.join(work, name), "-e", "signal=none", "-e",
                                        "trace=write,fdatasync", "-e", "inject=" + call))


for test in (endpoints, time_to_live, hostile, doors, survives, failing_disk):
    test()
crossed_commits(int(os.environ.get("SBUS_ROUNDS", "1000")))
killed(int(os.environ.get("SBUS_KILLS", "9")))
