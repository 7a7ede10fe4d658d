"""What the scripts beside this file share: getting a tool, a running program, and asking it.

A tool comes from Debian or PyPI and is unpacked into a folder of its own (target/tools): nothing is installed, no service
is started, no right is needed. One that can't be had ends the script with SKIPPED, which the driver reports.
"""
import contextlib
import csv
import http.server
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

SKIPPED = 77
# For what must happen; generous, for slow machines. Nothing waits this long when all is well.
PATIENCE = 30
TOP = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", TOP / "target")).resolve() / "tools"

CONFIG = """global
  nbthread 2
  stats socket {folder}/sock level admin
defaults
  mode http
  timeout connect 10s
  timeout client 30s
  timeout server 30s
{defaults}
frontend www
  bind 127.0.0.1:{port}
{frontend}
  http-request deny if {{ path /private }}
  use_backend idle if {{ path_beg /idle }}
  default_backend app
backend app
  balance roundrobin
  server s1 127.0.0.1:{one} check inter 1s fastinter 100ms
  server s2 127.0.0.1:{two} check inter 1s fastinter 100ms
backend idle
  server gone 127.0.0.1:{two} disabled
frontend stats
  bind 127.0.0.1:{stats}
  stats enable
  stats uri /stats
{more}
"""


def skip(why):
    print(f"SKIPPED: {why}", flush=True)
    sys.exit(SKIPPED)


def expect(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}", flush=True)


def until(what, question):
    """The first answer of 'question' that is true, asked until then."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            answer, fault = question(), None
        except OSError as error:
            answer, fault = None, error
        if answer:
            print(f"ok: {what}", flush=True)
            return answer
        if time.monotonic() > end:
            sys.exit(f"FAILED: {what} (at last: {fault or answer!r})")
        time.sleep(0.1)


def run(command, check=True, **options):
    """What a command wrote. Neither more than PATIENCE, nor an exit status of failure."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=PATIENCE, **options)
    if check and done.returncode != 0:
        sys.exit(f"FAILED: {command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def finished(folder, fill):
    """'folder', filled once and for all. What was left half-done is done again; of two at once, one is kept."""
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        begun = pathlib.Path(tempfile.mkdtemp(dir=CACHE))
        begun.chmod(0o755)
        try:
            fill(begun)
            with contextlib.suppress(OSError):
                begun.rename(folder)
        finally:
            shutil.rmtree(begun, ignore_errors=True)
    return folder


def fetched(command, what):
    """Runs what needs a network; without its success, soon enough, the tool is skipped."""
    left = float(os.environ.get("FETCH_UNTIL", "inf")) - time.time()
    if left <= 0:
        skip(f"{what} can't be had: the network is too slow")
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=min(left, 120),
                              check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        skip(f"{what} can't be had: {error}")
    if done.returncode != 0:
        skip(f"{what} can't be had: {(done.stderr.strip() or done.stdout.strip())[-300:]}")


def debian(name, *packages):
    """The folder into which Debian's packages, and those which they need beyond what is installed, are unpacked."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        skip(f"{name}: no Debian here")
    lists = CACHE / "apt"
    options = ["-q", "-o", "Debug::NoLocking=true", "-o", f"Dir::State::Lists={lists}/lists",
               "-o", f"Dir::Cache={lists}/cache", "-o", "APT::Sandbox::User=",
               "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"]

    def fill(folder):
        for part in ["lists/partial", "cache/archives/partial"]:
            (lists / part).mkdir(parents=True, exist_ok=True)
        # An old list names files that are gone. Without a network this succeeds all the same, and has no list.
        known = list(lists.glob("lists/*_Packages*"))
        if not any(time.time() - path.stat().st_ctime < 3600 for path in known):
            fetched(["apt-get", *options, "update"], "Debian's list of packages")
        archives = folder / "archives"
        (archives / "partial").mkdir(parents=True)
        # As if they were not installed already.
        fetched(["apt-get", *options, "-o", f"Dir::Cache::Archives={archives}", "install", "--download-only", "--yes",
                 "--reinstall", "--no-install-recommends", *packages], f"{name} ({' '.join(packages)})")
        for package in archives.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, folder / "root"], check=True)
        shutil.rmtree(archives)

    return finished(CACHE / f"debian-{name}", fill) / "root"


def pypi(name, *packages):
    """The folder into which packages of PyPI are installed."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "20"]
    return finished(CACHE / f"pypi-{name}",
                    lambda folder: fetched([*pip, "--target", folder, *packages], f"{name} from PyPI"))


def perl(root):
    """The environment in which Perl finds its unpacked modules."""
    modules = [root / "usr/share/perl5", *root.glob("usr/lib/*/perl5/*")]
    return os.environ | {"PERL5LIB": ":".join(str(folder) for folder in modules)}


def free_ports(count):
    """Ports that nobody listens on, from below the range that the system gives to connections."""
    ports = []
    while len(ports) < count:
        port = random.randrange(15000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in ports:
                ports.append(port)
    return ports


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        missing = self.path.startswith("/missing")
        self.send_response(404 if missing else 200)
        body = self.path.encode()
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_OPTIONS = do_GET

    def log_message(self, *_):
        pass


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Connections that end without a request are what checks make."""


class Site:
    """The program with two frontends, a backend of two servers that work, and one without any that does."""

    def __init__(self, program, **additions):
        self.program = pathlib.Path(program).resolve()
        self.additions = {"defaults": "", "frontend": "", "more": ""} | additions
        self.exits = contextlib.ExitStack()

    def __enter__(self):
        try:
            self.start()
        except BaseException as error:
            self.__exit__(error)
            raise
        return self

    def start(self):
        self.folder = pathlib.Path(self.exits.enter_context(tempfile.TemporaryDirectory()))
        self.socket = self.folder / "sock"
        servers = [Quiet(("127.0.0.1", 0), Server) for _ in range(2)]
        for server in servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        port, stats = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        self.stats = f"http://127.0.0.1:{stats}/stats"
        self.config = CONFIG.format(folder=self.folder, port=port, stats=stats, one=servers[0].server_port,
                                    two=servers[1].server_port, **self.additions)
        config = self.folder / "haproxy.cfg"
        config.write_text(self.config)
        self.log = self.folder / "log"
        with self.log.open("w") as log:
            self.running = subprocess.Popen([self.program, "-f", config], stdout=log, stderr=subprocess.STDOUT)
        self.exits.callback(self.stop)
        until("the program starts", lambda: self.running.poll() is None and self.get(self.url + "/"))
        # Not 'UP 1/3', as they begin.
        until("the servers are checked", lambda: all(self.row("app", name)["status"] == "UP" for name in ["s1", "s2"]))
        self.ask("clear counters all")

    def stop(self):
        self.running.terminate()
        self.running.wait(PATIENCE)

    def __exit__(self, fault, *_):
        if fault:
            print(self.log.read_text())
        self.exits.close()

    @staticmethod
    def get(url, headers=None):
        """Status and body."""
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def ask(self, commands):
        """The answer of the runtime API."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PATIENCE)
            line.connect(str(self.socket))
            line.sendall(commands.encode() + b"\n")
            answer = b""
            while part := line.recv(65536):
                answer += part
        return answer.decode()

    def rows(self):
        """'show stat', as a list of dictionaries."""
        return list(csv.DictReader(self.ask("show stat").removeprefix("# ").splitlines()))

    def row(self, proxy, name):
        return next((row for row in self.rows() if (row["pxname"], row["svname"]) == (proxy, name)), None)
