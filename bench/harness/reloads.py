"""The pieces of `bench/reload`: configurations, loads beside reloads, and what is checked."""

import csv
import io
import os
import threading
import time
from dataclasses import dataclass, field

from . import held, net
from .procs import Process, StartError
from .traffic import WRK_SCRIPT, h2load_result, wrk_result

WORKERS = 2
HEADER = """global
    nbthread {workers}
    maxconn 4000
    stats socket {api} level admin

defaults
    mode http
    timeout connect 30s
    timeout client 300s
    timeout server 300s
    timeout tunnel 300s

"""


@dataclass(frozen=True)
class Load:
    """A load generator at a frontend of its own; `kept` connections have to stay the same ones."""

    frontend: str
    connections: int
    tls: bool = False
    http2: bool = False
    close: bool = False

    @property
    def kept(self):
        """How many connections the frontend may see, or None when each request has one."""
        if self.close:
            return None
        # wrk connects once before it begins, to find an address that answers.
        return self.connections + (0 if self.http2 else 1)

    def start(self, port, seconds, env):
        """The generator's process."""
        url = f"{'https' if self.tls else 'http'}://127.0.0.1:{port}/64"
        if self.http2:
            argv = ["h2load", "-t1", f"-c{self.connections}", "-m8", f"-D{seconds}", url]
        else:
            argv = ["wrk", "-t1", f"-c{self.connections}", f"-d{seconds}s", "--timeout", "60s"]
            argv += ["-s", WRK_SCRIPT, *(["-H", "Connection: close"] if self.close else []), url]
        variables = env.tls_client() if self.tls else {}
        log = env.path(f"load-{self.frontend}.log")
        return Process(argv, env.load_core, log, variables=variables)

    def result(self, process):
        """(requests, errors by kind) of a generator that has ended."""
        outcome = (h2load_result if self.http2 else wrk_result)(process.output())
        if outcome is None:
            raise StartError(f"{process.argv[0]} at {self.frontend}: {process.last_words()}")
        return outcome["requests"], {k: n for k, n in outcome["errors"].items() if n}


LOADS = (
    Load("keepalive", 16),
    Load("connection", 8, close=True),
    Load("tls", 8, tls=True),
    Load("tls-connection", 4, tls=True, close=True),
    Load("h2", 4, http2=True),
)


@dataclass
class Scene:
    """Addresses and files of one program under test."""

    env: object
    certificate: str
    echo_port: int
    ports: dict = field(default_factory=dict)

    def __post_init__(self):
        for load in LOADS:
            self.ports[load.frontend] = net.free_port()
        self.ports["websocket"] = net.free_port()
        self.api = self.env.path("api")

    def text(self, turn):
        """The configuration of one turn: answers tell it, and a backend has its name."""
        parts = [HEADER.format(workers=WORKERS, api=self.api)]
        for load in LOADS:
            protocol = f" ssl crt {self.certificate}" if load.tls else " proto h2" if load.http2 else ""
            parts.append(f"""frontend {load.frontend}
    bind 127.0.0.1:{self.ports[load.frontend]}{protocol}
    http-response set-header x-turn {turn}
    use_backend turn{turn} if {{ path /turn{turn} }}
    default_backend origin

""")
        parts.append(f"""frontend websocket
    bind 127.0.0.1:{self.ports['websocket']}
    default_backend echo

backend origin
    http-reuse always
    server origin 127.0.0.1:{self.env.origin_port}

backend echo
    server echo 127.0.0.1:{self.echo_port}

backend turn{turn}
    server s1 127.0.0.1:{self.env.origin_port}
""")
        return "".join(parts)

    def write(self, turn):
        """Writes the configuration of one turn; returns its path."""
        return self.env.file("reload.conf", self.text(turn))

    def reload(self, turn):
        """Puts the configuration of one turn in place; returns the seconds it took."""
        self.write(turn)
        return reload(self.api)

    def turn(self):
        """The turn of which a new connection is told."""
        with held.connect(self.ports["keepalive"]) as connection:
            connection.sendall(b"GET /64 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return held.header(held.read_head(connection), b"x-turn").decode()

    def connections(self):
        """Connections that each frontend has seen."""
        table = net.ask_api(self.api, "show stat -1 1 -1").removeprefix("# ")
        rows = csv.DictReader(io.StringIO(table))
        return {row["pxname"]: int(row["conn_tot"]) for row in rows if row["svname"] == "FRONTEND"}

    def clients(self):
        """Clients that keep their connection: busy ones, ones that are mostly idle, a WebSocket."""
        plain, secure = self.ports["keepalive"], self.ports["tls"]
        return [
            held.HeldHttp("keepalive", 0.02).open(plain),
            held.HeldHttp("keepalive, idle", 3600).open(plain),
            held.HeldHttp("tls", 0.02, tls=True).open(secure),
            held.HeldHttp("tls, idle", 3600, tls=True).open(secure),
            held.HeldWebSocket("WebSocket", 0.02).open(self.ports["websocket"]),
        ]


def reload(api):
    """One reload in place; returns the seconds until it was told done, and raises when refused."""
    began = time.perf_counter()
    told = net.ask_api(api, "reload")
    if not told.startswith("Success=1\n"):
        raise StartError(f"reload: {told.strip()[:300]}")
    return time.perf_counter() - began


def many_backends(count, turn, changed, api, port):
    """A frontend that answers small requests itself beside many backends.

    From turn to turn, the frontend and the first `changed` backends differ.
    """
    backends = "".join(
        f"backend site{i}\n    server s{turn if i < changed else ''}"
        f" 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}:8080\n\n"
        for i in range(count)
    )
    return HEADER.format(workers=1, api=api) + f"""frontend bench
    bind 127.0.0.1:{port}
    http-request return status 200 hdr x-turn {turn} if {{ path /ready }}
    use_backend %[req.hdr(host),lower,field(1,.)]

""" + backends


class WorkerClock:
    """A thread that notes how long the only worker has run and has waited for a core.

    It tells a worker that does much at once from a machine that has other things to do.
    """

    _PAUSE = 0.002

    def __init__(self, pid):
        tasks = f"/proc/{pid}/task"
        found = [task for task in os.listdir(tasks) if self._name(tasks, task).startswith("worker")]
        if len(found) != 1:
            raise StartError(f"{len(found)} threads are named after workers")
        self._path = f"{tasks}/{found[0]}/schedstat"
        self._notes = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @staticmethod
    def _name(tasks, task):
        try:
            with open(f"{tasks}/{task}/comm", encoding="ascii", errors="replace") as file:
                return file.read()
        except (FileNotFoundError, ProcessLookupError):
            return ""

    def _run(self):
        while not self._ended.wait(self._PAUSE):
            try:
                with open(self._path, encoding="ascii") as file:
                    ran, waited, _ = map(int, file.read().split())
            except (FileNotFoundError, ProcessLookupError):
                return
            self._notes.append((time.perf_counter(), ran / 1e9, waited / 1e9))

    def between(self, begin, end):
        """Seconds that the worker ran and waited around this time (`perf_counter`)."""
        around = [note for note in list(self._notes) if begin - self._PAUSE <= note[0] <= end + self._PAUSE]
        if not around:
            return 0.0, 0.0
        return around[-1][1] - around[0][1], around[-1][2] - around[0][2]

    def close(self):
        """Ends the thread."""
        self._ended.set()
        self._thread.join(10)


def percentile(values, part):
    """The value below which this part of them is."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
