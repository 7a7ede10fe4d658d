"""The scenarios of stick tables: what tracking adds to a request, and what entries hold."""

import re
import time
from dataclasses import dataclass, replace

from . import net, procs
from .procs import Process, StartError
from .proxies import READY_PATH, await_answer
from .traffic import Column, Traffic

# Commands in one line of the runtime API, which has to fit into a buffer.
_BATCH = 150


@dataclass(frozen=True)
class _Answered(Traffic):
    """Keep-alive requests that the proxy answers itself, with or without a tracked counter."""

    tracked: bool = False

    def task(self, env):
        """Without the origin's side, what tracking adds is a larger part of the whole."""
        return replace(super().task(env), answer=True, tracked=self.tracked)


@dataclass(frozen=True)
class Tracked:
    """What one tracked counter adds to a request: two samples, one right after the other."""

    name: str
    title: str
    path: str = "/64"
    targets: tuple = ()
    max_rounds: int = 1000
    columns: tuple = (
        Column("user", "added user µs/req", 3, "user ratio"),
        Column("total", "added total µs/req", 3, "total ratio"),
        Column("plain_user", "untracked user", 2),
        Column("tracked_user", "tracked user", 2),
        Column("plain_total", "untracked total", 2),
        Column("tracked_total", "tracked total", 2),
    )

    def measure(self, proxy, env):
        """One sample: the difference of two runs under load."""
        figures, remarks = {}, []
        for kind in ("plain", "tracked"):
            traffic = _Answered(kind, kind, self.path, tracked=kind == "tracked")
            measured, said = traffic.measure(proxy, env)
            remarks += said
            for key in ("user", "total"):
                figures[f"{kind}_{key}"] = measured[key]
        for key in ("user", "total"):
            figures[key] = figures[f"tracked_{key}"] - figures[f"plain_{key}"]
        if figures["user"] <= 0:
            remarks.append("a difference lost in noise: use more --seconds")
        return figures, remarks


@dataclass(frozen=True)
class StickMemory:
    """Resident memory of a table's entries, filled through the runtime API."""

    name: str
    title: str
    targets: tuple = ()
    max_rounds: int = 1
    columns: tuple = (
        Column("grown", "growth, MiB", 1, "ratio"),
        Column("bytes", "bytes/entry", 0),
        Column("base", "RSS before, MiB", 1),
        Column("count", "entries", 0),
        Column("fill", "filled in, s", 1),
    )

    def measure(self, proxy, env):
        """One sample: memory before and after so many entries."""
        port, api, count = net.free_port(), env.path("api"), env.stick_entries
        config = env.file("table.conf", proxy.table_config(count + 1000, api, port))
        log = env.path("table.log")
        with Process(proxy.argv(config, env), env.proxy_core, log) as process:
            await_answer(process, port, READY_PATH, (200, 0), 10.0)
            try:
                fill(api, 0, 1000)
                base = procs.memory_kib(process.pid)
                before = time.monotonic()
                fill(api, 1000, count)
                elapsed = time.monotonic() - before
                full = procs.memory_kib(process.pid)
                head = net.ask_api(api, "show table bench_table data.http_req_rate gt 1000")
            except OSError as error:
                raise StartError(f"the runtime API: {error}") from error
        used = int((re.search(r"used:(\d+)", head) or ["", "0"])[1])
        remarks = [] if used == count else [f"{used} entries, not {count}"]
        figures = {
            "grown": (full - base) / 1024,
            "bytes": (full - base) * 1024 / (count - 1000),
            "base": base / 1024,
            "count": used,
            "fill": elapsed,
        }
        return figures, remarks


def fill(api, first, end):
    """Makes entries for the addresses of these numbers."""
    for start in range(first, end, _BATCH):
        commands = (
            f"set table bench_table key {address(number)} data.http_req_rate 1 data.http_err_rate 1"
            for number in range(start, min(start + _BATCH, end))
        )
        if told := net.ask_api(api, ";".join(commands)).strip():
            raise StartError(f"set table: {told.splitlines()[0][:200]}")


def address(number):
    """An IPv4 address for a number below 2 ** 24."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
