"""The scenarios of TLS beside plain traffic: new and resumed handshakes, loading certificates."""

import re
import time
from dataclasses import dataclass, replace

from . import certificates, net, procs
from .procs import Process, StartError
from .proxies import READY_PATH, await_answer
from .traffic import Column, Traffic

_CLIENTS = 8


@dataclass(frozen=True)
class Handshake(Traffic):
    """A TLS connection for each request, which the proxy answers itself: CPU per connection.

    With `resumed`, wrk resumes its connections' sessions. Without, several `openssl s_time` make
    new handshakes one after the other. A handshake of the other kind gets no right answer.
    """

    close: bool = True

    @property
    def columns(self):
        """CPU per connection and how many of them."""
        return (
            Column("user", "user µs/handshake", 1, "user ratio"),
            Column("system", "sys µs/handshake", 1),
            Column("total", "total µs/handshake", 1, "total ratio"),
            Column("rate", "handshakes/s", 0),
            Column("busy", "core busy %", 0),
        )

    def task(self, env):
        """No origin server: its connection would be counted, too."""
        return replace(super().task(env), answer=True)

    def drive(self, port, env):
        """Runs wrk, or `openssl s_time` until its time is over; the figures in wrk's form."""
        if self.resumed:
            return super().drive(port, env)
        request = f"GET {self.path} HTTP/1.0\r\n\r\n".encode()
        whole = net.exchange_tls(port, request)
        argv = ["openssl", "s_time", "-new", "-tls1_3", "-www", self.path]
        argv += ["-time", env.seconds, "-connect", f"127.0.0.1:{port}"]
        variables = env.tls_client()
        began = time.monotonic()
        clients = [
            Process(argv, env.load_core, env.path(f"s_time{i}.log"), variables=variables)
            for i in range(_CLIENTS)
        ]
        try:
            for client in clients:
                client.wait(env.seconds + 20)
            elapsed = time.monotonic() - began
            return total_of([client.output() for client in clients], len(whole or b""), elapsed)
        finally:
            for client in clients:
                client.stop()


def total_of(outputs, answer, elapsed):
    """Adds up the reports of several `openssl s_time`; `answer` is the length of a right answer."""
    requests = short = 0
    pattern = r"^(\d+) connections in \d+ real seconds, (\d+) bytes read per connection"
    for text in outputs:
        if found := re.search(pattern, text, re.M):
            requests += int(found[1])
            # The mean is cut to a whole number, so a single empty answer shows.
            short += int(found[2]) != answer
    if not requests:
        last = (outputs[0].strip().splitlines() or ["(no output)"])[-1]
        raise StartError(f"openssl s_time made no connection: {last[:200]}")
    return {
        "duration_us": elapsed * 1e6,
        "requests": requests,
        "bytes": requests * answer,
        "errors": {"clients with wrong answers as": short, "status": 0},
    }


@dataclass(frozen=True)
class LoadCertificates:
    """Time and memory to load a folder of certificates."""

    name: str
    title: str
    targets: tuple = ()
    max_rounds: int = 1
    columns: tuple = (
        Column("listen", "start to first answer, s", 3, "time ratio"),
        Column("peak", "peak RSS, MiB", 1, "memory ratio"),
        Column("check", "-c, s", 3, "-c ratio"),
        Column("rss", "RSS when ready, MiB", 1),
    )

    def measure(self, proxy, env):
        """One sample: a start until a client's handshake is answered, then a mere check."""
        port = net.free_port()
        text = proxy.certificates_config(env.certificate_folder(), port)
        config = env.file("certificates.conf", text)
        name = certificates.numbered(env.certificates - 1)

        def get(port, path, timeout):
            answer = net.get_tls(port, path, timeout, name)
            return answer and answer[0]

        log = env.path("certificates.log")
        began = time.monotonic()
        with Process(proxy.argv(config, env), env.proxy_core, log) as process:
            await_answer(process, port, READY_PATH, 200, 120.0, get)
            listen = time.monotonic() - began
            peak = procs.memory_kib(process.pid, "VmHWM")
            rss = procs.memory_kib(process.pid)
        began = time.monotonic()
        with Process(proxy.check_argv(config, env), env.proxy_core, log) as process:
            code = process.wait(120.0)
            check = time.monotonic() - began
            if code != 0:
                raise StartError(f"the check ended with code {code}: {process.last_words()}")
        figures = {"listen": listen, "peak": peak / 1024, "check": check, "rss": rss / 1024}
        return figures, []
