"""What tracking and rules add to a request, and what entries of stick tables hold."""

import re
import subprocess
import time
from dataclasses import dataclass

from . import net, procs
from .procs import Process, StartError
from .proxies import READY_PATH, await_answer
from .traffic import Column, Traffic

# Commands in one line of the runtime API, which has to fit into a buffer.
_BATCH = 150
# Samples per second: the kernel's tick is too coarse for the small difference.
_FREQUENCY = 9973


@dataclass(frozen=True)
class Added:
    """What something adds to a request, by turns with and without it in one process."""

    name: str
    title: str
    # The method of a program that writes its configuration.
    config: str
    path: str = READY_PATH
    targets: tuple = ()
    max_rounds: int = 1000
    columns: tuple = (
        Column("user", "added user µs/req", 3, "user ratio"),
        Column("total", "added total µs/req", 3, "total ratio"),
        Column("plain_user", "user without", 3),
        Column("laden_user", "user with", 3),
        Column("plain_total", "total without", 3),
        Column("laden_total", "total with", 3),
    )

    def measure(self, proxy, env):
        """One sample: the difference of two runs under load each."""
        ports = {"plain": net.free_port(), "laden": net.free_port()}
        hosts = "".join(f"host{number}.example tenant{number}\n" for number in range(1000))
        text = getattr(proxy, self.config)(*ports.values(), env.file("hosts.map", hosts))
        config = env.file("added.conf", text)
        log, remarks = env.path("added.log"), set()
        spent = {kind: [0.0, 0.0, 0] for kind in ports}
        with Process(proxy.argv(config, env), env.proxy_core, log) as process:
            for port in ports.values():
                await_answer(process, port, self.path, (200, 64), 10.0)
            for kind in ("plain", "laden", "laden", "plain"):
                cpu, requests, said = self._load(process, ports[kind], env)
                sums = spent[kind]
                sums[0], sums[1], sums[2] = sums[0] + cpu.user, sums[1] + cpu.system, sums[2] + requests
                remarks.update(said)
        figures = {}
        for kind, (user, system, requests) in spent.items():
            figures[f"{kind}_user"] = user / requests * 1e6
            figures[f"{kind}_total"] = (user + system) / requests * 1e6
        for key in ("user", "total"):
            figures[key] = figures[f"laden_{key}"] - figures[f"plain_{key}"]
        return figures, sorted(remarks)

    def _load(self, process, port, env):
        """CPU time and number of requests of one run of wrk, and remarks."""
        traffic = Traffic(self.name, self.title, self.path)
        data = env.path("added.perf")
        argv = ["perf", "record", "-q", "-e", "cpu-clock", "-F", _FREQUENCY, "-o", data]
        argv += ["-p", process.pid, "--", "sleep", env.seconds]
        try:
            perf = Process(argv, env.load_core, env.path("perf.log"))
        except StartError:
            perf = None
        before = procs.read_cpu(process.pid)
        result = traffic.drive(port, env)
        cpu = procs.cpu_between(before, procs.read_cpu(process.pid))
        if process.exit_code() is not None:
            raise StartError(f"ended under load: {process.last_words()}")
        remarks = [f"{count} {kind} errors" for kind, count in result["errors"].items() if count]
        share = perf and perf.wait(env.seconds + 10) == 0 and user_share(data)
        if share:
            total = cpu.user + cpu.system
            cpu = procs.Cpu(total * share, total * (1 - share))
        else:
            remarks.append("user and system split by the kernel's tick only: perf is not usable")
        return cpu, result["requests"], remarks


def user_share(data):
    """The part of perf's samples that was taken in user mode, or None."""
    argv = ["perf", "report", "-i", data, "--stdio", "-F", "overhead_us,overhead_sys", "-s", "comm"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    rows = re.findall(r"^ *([\d.]+)% +([\d.]+)%", done.stdout, re.M)
    user, system = (sum(float(row[i]) for row in rows) for i in (0, 1))
    return user / (user + system) if user and system else None


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
