"""A server process, clients of it and audits of its log, for the tests; standard library only."""
import atexit
import json
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.parse


class Server:
    def __init__(self, *options, listen="127.0.0.1:0", under=(), limit_file=None):
        """`under` is a command that runs the server, `limit_file` a size no file may pass."""
        def limit():
            if limit_file is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit_file, limit_file))
        self.process = subprocess.Popen(
            [*under, "sbus-check", "serve", "-q", "--listen", listen, *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limit)
        atexit.register(self.process.kill)  # a test that fails leaves no server behind
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the server did not start: " + self.process.stderr.read())
        self.hello = json.loads(line)
        host, port = self.hello["listening"].removeprefix("http://").rsplit(":", 1)
        self.address = (host.strip("[]"), int(port))

    def stop(self, how=signal.SIGTERM, code=0):
        self.process.send_signal(how)
        began = time.monotonic()
        assert self.process.wait(10) == code, (self.process.returncode, self.process.stderr.read())
        assert time.monotonic() - began < 5
        self.process.stdout.close()
        self.process.stderr.close()


class Client:
    def __init__(self, server, token=None):
        self.socket = socket.create_connection(server.address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.token = token

    def send(self, method, path, body=None):
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n"
        if self.token:
            head += f"Authorization: Bearer {self.token}\r\n"
        self.socket.sendall(head.encode() + b"\r\n" + data)

    def answer(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("closed")
        status = int(line.split()[1])
        self.fields = {}
        while (field := self.file.readline()) != b"\r\n":
            name, value = field.decode().rstrip("\r\n").split(": ", 1)
            self.fields[name.lower()] = value
        body = self.file.read(int(self.fields.get("content-length", 0)))
        self.seq = int(self.fields["x-sbus-seq"])
        return status, json.loads(body) if "json" in self.fields["content-type"] else body.decode()

    def call(self, method, path, body=None):
        self.send(method, path, body)
        return self.answer()

    def get(self, key, agent=""):
        path = "/shard/" + urllib.parse.quote(key, safe="")
        return self.call("GET", path + "?" + urllib.parse.urlencode({"agent_id": agent}))

    def commit(self, key, expected, agent, delta="d", **more):
        return self.call("POST", "/commit/v2", {"key": key, "expected_version": expected,
                                                "delta": delta, "agent_id": agent, **more})

    def close(self):
        self.file.close()
        self.socket.close()


def expect(answer, code, error=None, /, **fields):
    assert answer[0] == code, answer
    if error:
        assert answer[1]["error"] == error and answer[1]["detail"], answer
    for name, value in fields.items():
        assert answer[1][name] == value, (name, answer)
    return answer[1]


def raw(server, data, wait=5):
    """What the server says to these bytes until it closes the connection."""
    with socket.create_connection(server.address, timeout=wait) as s:
        s.sendall(data)
        out = b""
        try:
            while part := s.recv(65536):
                out += part
        except (TimeoutError, ConnectionResetError):
            pass
        return out


def audit(*arguments):
    done = subprocess.run(["sbus-check", "audit", "--summary", "--no-frame", *arguments],
                          capture_output=True, text=True)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr
