"""Traffic through a proxy: how one sample is driven and which columns it fills."""

import json
import os
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace

from . import net, procs
from .procs import Process, StartError
from .proxies import BODIES, Task

GIB = 1 << 30
WRK_SCRIPT = os.path.join(os.path.dirname(__file__), "wrk.lua")


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
_HTTP2_COLUMNS = (
    *_REQUEST_COLUMNS[:4],
    Column("mean", "mean ms", 2),
    Column("max", "max ms", 2),
    Column("busy", "core busy %", 0),
)
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


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
    tls: str | None = None
    resumed: bool | None = None
    targets: tuple = ()
    max_rounds: int = 1000
    _LATENCIES = ("p50_us", "p99_us", "mean_us", "max_us")

    @property
    def columns(self):
        """The figures of a sample, in the order of the table."""
        columns = _BULK_COLUMNS if self.bulk else _REQUEST_COLUMNS
        return (*columns, _LOG_COLUMN) if self.log else columns

    def task(self, env):
        """What the proxy is to do, but for logs."""
        return Task(
            mode=self.mode,
            splice=self.splice,
            connections=max(1000, 4 * self.connections),
            certificate=self.tls and env.certificate(self.tls),
            resumed=self.resumed,
        )

    @contextmanager
    def session(self, proxy, env):
        """The proxy running and ready: yields its process, its port and the log sink or None."""
        sink = net.LogSink() if self.log else None
        task = replace(self.task(env), log_port=sink and sink.port)
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
        argv = ["wrk", "-t1", f"-c{self.connections}", f"-d{env.seconds}s", "-s", WRK_SCRIPT]
        if self.close:
            argv += ["-H", "Connection: close"]
        argv.append(f"{'https' if self.tls else 'http'}://127.0.0.1:{port}{self.path}")
        variables = env.tls_client() if self.tls else {}
        with Process(argv, env.load_core, env.path("wrk.log"), variables=variables) as wrk:
            code = wrk.wait(env.seconds + 20)
            if result := wrk_result(wrk.output()):
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
            **{key.removesuffix("_us"): result[key] / 1e3 for key in self._LATENCIES if key in result},
            "busy": (cpu.user + cpu.system) / elapsed * 100,
        }

    def _remarks(self, result):
        errors = dict(result["errors"])
        if self.resumed and errors["status"] <= self.connections:
            # Each connection's first handshake has nothing to resume.
            errors["status"] = 0
        remarks = [f"{count} {kind} errors" for kind, count in errors.items() if count]
        if result["bytes"] < (result["requests"] - result["errors"]["status"]) * BODIES[self.path]:
            remarks.append("answers shorter than the body asked for")
        return remarks


@dataclass(frozen=True)
class Http2(Traffic):
    """h2load through the proxy: clear text with prior knowledge, `streams` at a time per connection."""

    streams: int = 32

    @property
    def columns(self):
        """As of wrk's traffic, but h2load tells no percentiles."""
        return _HTTP2_COLUMNS

    def task(self, env):
        """HTTP/2 on the client's side; the origin is spoken to in HTTP/1."""
        return replace(super().task(env), http2=True)

    def drive(self, port, env):
        """Runs h2load on the load core and returns its figures."""
        argv = ["h2load", "-t1", f"-c{self.connections}", f"-m{self.streams}"]
        argv += [f"-D{env.seconds}", f"http://127.0.0.1:{port}{self.path}"]
        with Process(argv, env.load_core, env.path("h2load.log")) as h2load:
            code = h2load.wait(env.seconds + 20)
            if result := h2load_result(h2load.output()):
                return result
            raise StartError(f"h2load ended with code {code}: {h2load.last_words()}")


def wrk_result(text):
    """The line that `WRK_SCRIPT` has made wrk print, or None when it tells of no answered request."""
    for line in text.splitlines():
        if line.startswith("RESULT "):
            result = json.loads(line.removeprefix("RESULT "))
            return result if result["requests"] > 0 else None
    return None


def h2load_result(text):
    """h2load's report in the form of wrk's result, or None when it holds no answered request."""
    finished = re.search(r"^finished in ([\d.]+)(us|ms|s), ([\d.]+) req/s", text, re.M)
    # Codes are counted with an answer's head, so the last ones may belong to answers that were cut short.
    done = re.search(r"^requests: .* (\d+) done, .* (\d+) failed, (\d+) errored, (\d+) timeout", text, re.M)
    codes = re.search(r"^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", text, re.M)
    size = re.search(r"^traffic: .*\((\d+)\) data$", text, re.M)
    times = re.search(r"^time for request: +(\S+) +(\S+) +(\S+)", text, re.M)
    if not (finished and done and codes and size and times):
        return None
    requests, failed, errored, timeout = map(int, done.groups())
    if not requests:
        return None
    bad = [int(code) for code in codes.groups()[1:]]
    status = sum(bad)
    return {
        "duration_us": float(finished[1]) * _SECONDS[finished[2]] * 1e6,
        "requests": requests,
        "bytes": int(size[1]),
        "mean_us": _seconds(times[3]) * 1e6,
        "max_us": _seconds(times[2]) * 1e6,
        # An answer that isn't 2xx or 3xx has "failed", an erroneous stream has "failed" and "errored".
        "errors": {"stream": max(errored, failed - bad[1] - bad[2]), "status": status, "timeout": timeout},
    }


def _seconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * _SECONDS[unit]
