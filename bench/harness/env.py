"""What the scenarios share during one run: cores, durations, a folder for files."""

import os
import platform
import sys
from dataclasses import dataclass, field

from . import certificates

DEFAULT_HAPAX = os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../target/release/hapax")
)


@dataclass
class Env:
    """One run. `seconds` is the time under load per sample."""

    folder: str
    proxy_core: int
    load_core: int
    seconds: int
    idle_connections: int = 10000
    backends: int = 20000
    origin_port: int = 0
    certificates: int = 10000
    stick_entries: int = 1000000
    _made: dict = field(default_factory=dict)

    def path(self, name):
        """A path in the run's own folder."""
        return os.path.join(self.folder, name)

    def file(self, name, text):
        """Writes a file into the run's own folder and returns its path."""
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def certificate(self, kind):
        """A file with a certificate and its key, "ecdsa" or "rsa", made when first asked for."""
        if kind not in self._made:
            self._made[kind] = certificates.make(self.path(f"{kind}.pem"), kind)
        return self._made[kind]

    def certificate_folder(self):
        """A folder of as many certificates as the run is to load, made when first asked for."""
        if "folder" not in self._made:
            folder = self.path("certificates")
            certificates.make_many(folder, self.certificates)
            self._made["folder"] = folder
        return self._made["folder"]

    def tls_client(self):
        """Variables for a client that uses OpenSSL: one version, cipher and group for every proxy."""
        if "client" not in self._made:
            self._made["client"] = self.file("openssl.cnf", certificates.CLIENT_CONFIG)
        return {"OPENSSL_CONF": self._made["client"]}


def cores():
    """The core of the proxy and that of everything else."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        print("warning: one core only: load and proxy disturb each other", file=sys.stderr)
    return allowed[0], allowed[1 % len(allowed)]


def machine(env):
    """One line that says what the figures were taken on."""
    model = platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    with open("/proc/sys/net/ipv4/tcp_congestion_control", encoding="ascii") as control:
        system = f"Linux {platform.release()}, TCP {control.read().strip()}"
    where = f"proxy on core {env.proxy_core}, load and origin on core {env.load_core}"
    return f"{model}, {system}, {where}"
