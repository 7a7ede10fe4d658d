"""The scenarios: how one sample of each is taken, and which columns it fills."""

import json
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

from . import net, procs
from .procs import Process, StartError
from .proxies import BODIES, READY_PATH, Task, await_answer

GIB = 1 << 30
_WRK_SCRIPT = os.path.join(os.path.dirname(__file__), "wrk.lua")


@dataclass(frozen=True)
class Column:
    """One figure of a sample. `ratio` names the column of its ratio to the baseline, if any."""

    key: str
    title: str
    digits: int = 1
    ratio: str | None = None


@dataclass(frozen=True)
class Target:
    """What hapax is to reach: at most `limit`, as a ratio to the baseline or as it stands."""

    key: str
    limit: float
    as_ratio: bool = True


_REQUEST_COLUMNS = (
    Column("user", "user µs/req", 2, "user ratio"),
    Column("system", "sys µs/req", 2),
    Column("total", "total µs/req", 2, "total ratio"),
    Column("rate", "req/s", 0),
    Column("p50", "p50 ms", 2),
    Column("p99", "p99 ms", 2),
    Column("busy", "core busy %", 0),
)
_BULK_COLUMNS = (
    Column("user", "user ms/GiB", 0, "user ratio"),
    Column("system", "sys ms/GiB", 0),
    Column("total", "total ms/GiB", 0, "total ratio"),
    Column("rate", "GiB/s", 2),
    Column("p50", "p50 ms", 2),
    Column("p99", "p99 ms", 2),
    Column("busy", "core busy %", 0),
)
_LOG_COLUMN = Column("lines", "log lines/req", 3)


@dataclass(frozen=True)
class Traffic:
    """wrk through the proxy: CPU of the proxy per request, or per GiB when `bulk`."""

    name: str
    title: str
    path: str
    connections: int = 64
    mode: str = "http"
    close: bool = False
    log: bool = False
    splice: bool = False
    bulk: bool = False
    targets: tuple = ()
    max_rounds: int = 1000

    @property
    def columns(self):
        """The figures of a sample, in the order of the table."""
        columns = _BULK_COLUMNS if self.bulk else _REQUEST_COLUMNS
        return (*columns, _LOG_COLUMN) if self.log else columns

    @contextmanager
    def session(self, proxy, env):
        """The proxy running and ready: yields its process, its port and the log sink or None."""
        sink = net.LogSink() if self.log else None
        task = Task(self.mode, sink and sink.port, self.splice, max(1000, 4 * self.connections))
        port = net.free_port()
        try:
            with proxy.start(task, port, env.origin_port, env) as process:
                yield process, port, sink
        finally:
            if sink:
                sink.close()

    def measure(self, proxy, env):
        """One sample: (figures by column key, remarks)."""
        with self.session(proxy, env) as (process, port, sink):
            lines = sink.count() if sink else 0
            before, began = procs.read_cpu(process.pid), time.monotonic()
            result = self.drive(port, env)
            after, ended = procs.read_cpu(process.pid), time.monotonic()
            if process.exit_code() is not None:
                raise StartError(f"ended under load: {process.last_words()}")
            cpu = procs.cpu_between(before, after)
            figures = self._figures(result, cpu, ended - began)
            remarks = self._remarks(result)
            if sink:
                # The last lines may still be on their way to the sink.
                time.sleep(0.3)
                figures["lines"] = (sink.count() - lines) / result["requests"]
                if self.path not in sink.last_line():
                    remarks.append("log lines do not name the request")
        return figures, remarks

    def drive(self, port, env):
        """Runs wrk on the load core and returns its exact figures."""
        argv = ["wrk", "-t1", f"-c{self.connections}", f"-d{env.seconds}s", "-s", _WRK_SCRIPT]
        if self.close:
            argv += ["-H", "Connection: close"]
        argv.append(f"http://127.0.0.1:{port}{self.path}")
        with Process(argv, env.load_core, env.path("wrk.log")) as wrk:
            code = wrk.wait(env.seconds + 20)
            for line in wrk.output().splitlines():
                if line.startswith("RESULT "):
                    result = json.loads(line.removeprefix("RESULT "))
                    if result["requests"] > 0:
                        return result
            raise StartError(f"wrk ended with code {code}: {wrk.last_words()}")

    def _figures(self, result, cpu, elapsed):
        if self.bulk:
            units, scale = result["bytes"] / GIB, 1e3
        else:
            units, scale = result["requests"], 1e6
        return {
            "user": cpu.user / units * scale,
            "system": cpu.system / units * scale,
            "total": (cpu.user + cpu.system) / units * scale,
            "rate": units / (result["duration_us"] / 1e6),
            "p50": result["p50_us"] / 1e3,
            "p99": result["p99_us"] / 1e3,
            "busy": (cpu.user + cpu.system) / elapsed * 100,
        }

    def _remarks(self, result):
        remarks = [f"{count} {kind} errors" for kind, count in result["errors"].items() if count]
        if result["bytes"] < result["requests"] * BODIES[self.path]:
            remarks.append("answers shorter than the body asked for")
        return remarks


@dataclass(frozen=True)
class Idle:
    """Resident memory per idle keep-alive connection."""

    name: str
    title: str
    targets: tuple = ()
    max_rounds: int = 1
    columns: tuple = (
        Column("bytes", "bytes/connection", 0, "ratio"),
        Column("base", "RSS before, MiB", 1),
        Column("full", "RSS with all, MiB", 1),
        Column("count", "connections", 0),
    )

    def measure(self, proxy, env):
        """One sample: memory before and after so many connections did one request each."""
        wanted = env.idle_connections
        # One descriptor here and up to two in the proxy for each connection.
        limit = procs.allow_descriptors(2 * wanted + 600)
        count = min(wanted, (limit - 600) // 2)
        if count < 100:
            raise StartError(f"a descriptor limit of {limit} is too low")
        port = net.free_port()
        remarks = []
        with proxy.start(Task(connections=count + 100), port, env.origin_port, env) as process:
            clients = net.IdleConnections(port, READY_PATH)
            try:
                # The first ones pay for what every later one shares.
                clients.grow(50)
                base = procs.memory_kib(process.pid)
                clients.grow(count)
                time.sleep(0.5)
                full = procs.memory_kib(process.pid)
                if closed := clients.closed_by_peer():
                    remarks.append(f"{closed} connections closed by the proxy")
            except OSError as error:
                raise StartError(f"idle connections: {error}") from error
            finally:
                clients.close()
        if count < wanted:
            remarks.append(f"{count} connections only: descriptor limit {limit}")
        figures = {
            "bytes": (full - base) * 1024 / count,
            "base": base / 1024,
            "full": full / 1024,
            "count": count,
        }
        return figures, remarks


@dataclass(frozen=True)
class Load:
    """Time and memory to load a large configuration."""

    name: str
    title: str
    by_name: bool
    targets: tuple = ()
    max_rounds: int = 3
    columns: tuple = field(
        default=(
            Column("listen", "start to first answer, s", 3, "time ratio"),
            Column("peak", "peak RSS, MiB", 1, "memory ratio"),
            Column("check", "-c, s", 3, "-c ratio"),
            Column("rss", "RSS when ready, MiB", 1),
        )
    )

    def measure(self, proxy, env):
        """One sample: a start until it answers, then a mere check of the same file."""
        port = net.free_port()
        config = env.file("load.conf", proxy.load_config(env.backends, port, self.by_name))
        began = time.monotonic()
        log = env.path("load.log")
        with Process(proxy.argv(config, env), env.proxy_core, log) as process:
            await_answer(process, port, "/ready", (200, 0), 60.0)
            listen = time.monotonic() - began
            peak = procs.memory_kib(process.pid, "VmHWM")
            rss = procs.memory_kib(process.pid)
        began = time.monotonic()
        with Process(proxy.check_argv(config, env), env.proxy_core, log) as process:
            code = process.wait(60.0)
            check = time.monotonic() - began
            if code != 0:
                raise StartError(f"the check ended with code {code}: {process.last_words()}")
        figures = {"listen": listen, "peak": peak / 1024, "check": check, "rss": rss / 1024}
        return figures, []


SCENARIOS = (
    Traffic(
        "keepalive",
        "Small keep-alive GET: 64 connections, 64 bytes",
        "/64",
        targets=(Target("user", 0.6), Target("total", 0.95)),
    ),
    Traffic(
        "httplog",
        "Small keep-alive GET with `option httplog` to a UDP target",
        "/64",
        log=True,
        targets=(Target("total", 0.8),),
    ),
    Traffic(
        "connection", "Connection per request: 64 at a time, 64 bytes", "/64", close=True
    ),
    Traffic("64k", "64 KiB bodies: 32 keep-alive connections", "/64k", connections=32),
    Traffic("10m", "10 MiB bodies: 8 keep-alive connections", "/10m", connections=8, bulk=True),
    Traffic(
        "tcp-bulk",
        "TCP bulk: 8 connections, 10 MiB bodies through `mode tcp`",
        "/10m",
        connections=8,
        mode="tcp",
        bulk=True,
        targets=(Target("total", 1.0),),
    ),
    Traffic(
        "tcp-splice",
        "TCP bulk with `option splice-auto`",
        "/10m",
        connections=8,
        mode="tcp",
        bulk=True,
        splice=True,
    ),
    Traffic(
        "tcp-connection",
        "TCP connection rate: 64 at a time, one 64-byte answer each, through `mode tcp`",
        "/64",
        mode="tcp",
        close=True,
    ),
    Idle(
        "idle",
        "Memory per idle keep-alive connection",
        targets=(Target("bytes", 2048, as_ratio=False),),
    ),
    Load(
        "load",
        "Loading {backends} backends with a `use_backend` line each",
        by_name=False,
        targets=(Target("listen", 1.0), Target("peak", 1.0)),
    ),
    Load(
        "load-by-name",
        "Loading {backends} backends chosen by a log-format name",
        by_name=True,
        targets=(Target("listen", 1.0), Target("peak", 1.0)),
    ),
)
assert all(getattr(s, "path", READY_PATH) in BODIES for s in SCENARIOS)
