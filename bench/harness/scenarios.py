"""The scenarios: how one sample of each is taken, and which columns it fills."""

import time
from dataclasses import dataclass, field

from . import net, procs
from .procs import Process, StartError
from .proxies import BODIES, READY_PATH, Task, await_answer
from .tables import StickMemory, Added
from .tls import Handshake, LoadCertificates
from .traffic import Column, Http2, Target, Traffic


@dataclass(frozen=True)
class Idle:
    """Resident memory per idle keep-alive connection."""

    name: str
    title: str
    tls: str | None = None
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
        # The clients' handshakes take their time, and these connections are larger.
        wanted = env.idle_connections // 2 if self.tls else env.idle_connections
        # One descriptor here and up to two in the proxy for each connection.
        limit = procs.allow_descriptors(2 * wanted + 600)
        count = min(wanted, (limit - 600) // 2)
        if count < 100:
            raise StartError(f"a descriptor limit of {limit} is too low")
        port = net.free_port()
        remarks = []
        task = Task(connections=count + 100, certificate=self.tls and env.certificate(self.tls))
        with proxy.start(task, port, env.origin_port, env) as process:
            clients = net.IdleConnections(port, READY_PATH, tls=bool(self.tls))
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
    Http2(
        "h2",
        "HTTP/2 to HTTP/1: 16 connections of 32 streams, 64 bytes",
        "/64",
        connections=16,
        targets=(Target("total", 0.85),),
    ),
    Traffic(
        "tls-keepalive",
        "Small keep-alive GET over TLS 1.3: 64 connections, 64 bytes",
        "/64",
        tls="ecdsa",
        targets=(Target("total", 0.85),),
    ),
    Handshake(
        "tls-handshake-ecdsa",
        "New TLS 1.3 handshakes, ECDSA P-256: 8 at a time",
        "/64",
        connections=8,
        tls="ecdsa",
        resumed=False,
        targets=(Target("total", 0.6),),
    ),
    Handshake(
        "tls-handshake-rsa",
        "New TLS 1.3 handshakes, RSA 2048: 8 at a time",
        "/64",
        connections=8,
        tls="rsa",
        resumed=False,
        targets=(Target("total", 0.6),),
    ),
    Handshake(
        "tls-resumed",
        "Resumed TLS 1.3 handshakes: 32 at a time",
        "/64",
        connections=32,
        tls="ecdsa",
        resumed=True,
        targets=(Target("total", 0.7),),
    ),
    Traffic(
        "tls-bulk",
        "10 MiB bodies over TLS 1.3: 8 keep-alive connections",
        "/10m",
        connections=8,
        bulk=True,
        tls="ecdsa",
        targets=(Target("total", 0.9),),
    ),
    Idle(
        "tls-idle",
        "Memory per idle TLS connection",
        tls="ecdsa",
        targets=(Target("bytes", 0.8),),
    ),
    Added(
        "rules",
        "What a frontend of 20 rules adds to a keep-alive GET",
        "rules_config",
        targets=(Target("user", 0.5),),
    ),
    Added(
        "tracked",
        "What a tracked counter with two rates adds to a keep-alive GET",
        "tracking_config",
        targets=(Target("user", 0.5),),
    ),
    StickMemory(
        "stick-memory",
        "Memory of {entries} IPv4 entries with two rates in a stick table",
        targets=(Target("grown", 1.0),),
    ),
    LoadCertificates(
        "load-certificates",
        "Loading a folder of {certificates} certificates",
        targets=(Target("listen", 0.5),),
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
