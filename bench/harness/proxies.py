"""The programs measured and the origin server: what each is given as configuration."""

import os
import subprocess
from dataclasses import dataclass

from . import net, procs
from .procs import Process, StartError

BODIES = {"/64": 64, "/64k": 64 << 10, "/10m": 10 << 20}
READY_PATH = "/64"


@dataclass(frozen=True)
class Task:
    """What a proxy is to do in a scenario."""

    mode: str = "http"
    log_port: int | None = None
    splice: bool = False
    connections: int = 1000
    # A file with certificate and key: the client's side speaks TLS.
    certificate: str | None = None
    http2: bool = False
    # The proxy answers itself; None leaves that to the origin server.
    answer: bool = False
    # Whether TLS sessions have to be resumed ones (True) or new ones (False): others are refused.
    resumed: bool | None = None

    @property
    def get(self):
        """What asks for one path in the protocol of the client's side."""
        if self.http2:
            return net.get_http2
        return net.get_tls if self.certificate else net.get


class Proxy:
    """A program to measure. `label` names it in the tables."""

    def __init__(self, path, label=None):
        self.path = path
        self.version = self._version()
        self.label = label or self.version

    def _version(self):
        try:
            done = subprocess.run(
                [self.path, "-v"], capture_output=True, text=True, timeout=5, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StartError(f"{self.path} -v: {error}") from error
        lines = (done.stdout + done.stderr).strip().splitlines()
        if done.returncode != 0 or not lines:
            raise StartError(f"{self.path} -v ended with code {done.returncode}")
        return self.short_version(lines[0])

    def start(self, task, listen_port, origin_port, env):
        """Starts the proxy on its core and waits until a request passes through it."""
        config = env.file(f"{id(self)}.conf", self.config(task, listen_port, origin_port))
        process = Process(self.argv(config, env), env.proxy_core, env.path(f"{id(self)}.log"))
        wanted = (421, 0) if task.resumed else (200, 64)
        await_answer(process, listen_port, READY_PATH, wanted, 10.0, task.get)
        return process


def await_answer(process, port, path, wanted, seconds, get=net.get):
    """Waits until a request is answered as wanted; stops the process and raises if not."""
    last = []

    def answered():
        if process.exit_code() is not None:
            return "ended"
        answer = get(port, path, timeout=seconds)
        last[:] = [answer] if answer else last
        return answer == wanted

    outcome = procs.until(answered, seconds)
    if outcome is True:
        return
    process.stop()
    if outcome == "ended":
        raise StartError(f"ended with code {process.exit_code()}: {process.last_words()}")
    seen = "status {}, {} bytes".format(*last[0]) if last else "none"
    raise StartError(f"no right answer within {seconds:.0f} s (last: {seen})")


def head(of_global=(), of_defaults=(), *, connections=1000, mode="http", seconds=30):
    """The sections `global` and `defaults`, each with more lines; `seconds` is how long either side may be silent."""
    of_global, of_defaults = (
        "".join(f"    {line}\n" for line in lines) for lines in (of_global, of_defaults)
    )
    return f"""global
    nbthread 1
    maxconn {connections}
{of_global}
defaults
    mode {mode}
    timeout connect 5s
    timeout client {seconds}s
    timeout server {seconds}s
{of_defaults}
"""


def two_frontends(plain_port, laden_port, lines):
    """A configuration of two frontends that answer themselves, of which the second has these lines, too."""
    answer = f"http-request return status 200 content-type text/plain string {'x' * 64}"
    return head() + f"""frontend plain
    bind 127.0.0.1:{plain_port}
    {answer}

frontend laden
    bind 127.0.0.1:{laden_port}{lines}
    {answer}
"""


class HaproxyLike(Proxy):
    """HAProxy, and what takes its command line and configuration."""

    @staticmethod
    def short_version(line):
        """`HAProxy version 2.6.12-1+deb12u4 2026/10/17 - …` → `haproxy 2.6.12-1+deb12u4`."""
        words = line.split()
        name = words[0].lower()
        rest = [word for word in words[1:] if word[0].isdigit()]
        return f"{name} {rest[0]}" if rest else name

    def argv(self, config, _env):
        """The command line that runs in the foreground."""
        return [self.path, "-f", config, "-db"]

    def check_argv(self, config, _env):
        """The command line that only checks the configuration."""
        return [self.path, "-c", "-f", config]

    def config(self, task, listen_port, origin_port):
        """One frontend, one backend, one server; everything else at its default."""
        bind = f"127.0.0.1:{listen_port}"
        if task.certificate:
            bind += f" ssl crt {task.certificate}"
        elif task.http2:
            bind += " proto h2"
        log = [f"log 127.0.0.1:{task.log_port} local0"] if task.log_port else []
        options = ["log global", "option httplog"] if task.log_port else []
        if task.mode == "http":
            options.append("http-reuse always")
        if task.splice:
            options.append("option splice-auto")
        sections = head(
            log, options, connections=task.connections, mode=task.mode, seconds=300
        )
        rules = "".join(f"    {rule}\n" for rule in self._rules(task))
        return sections + f"""frontend bench
    bind {bind}
{rules}    default_backend origin

backend origin
    server origin 127.0.0.1:{origin_port}
"""

    @staticmethod
    def _rules(task):
        if task.resumed:
            yield "http-request return status 421 unless { ssl_fc_is_resumed }"
        elif task.resumed is False:
            yield "http-request reject if { ssl_fc_is_resumed }"
        if task.answer:
            body = "x" * BODIES[READY_PATH]
            yield f"http-request return status 200 content-type text/plain string {body}"

    def certificates_config(self, folder, listen_port):
        """A frontend with all certificates of a folder, which answers itself."""
        return head() + f"""frontend bench
    bind 127.0.0.1:{listen_port} ssl crt {folder}
    http-request return status 200
"""

    def tracking_config(self, plain_port, tracked_port, _hosts):
        """Two frontends that answer themselves; one of them tracks its clients' addresses."""
        return two_frontends(plain_port, tracked_port, """
    stick-table type ip size 100k expire 30s store http_req_rate(10s),http_err_rate(10s)
    http-request track-sc0 src""")

    def rules_config(self, plain_port, ruled_port, hosts):
        """Two frontends that answer themselves; one of them has 20 rules: conditions on paths, the host and the client's
        address, two changes of headers, a look-up in a map, a variable."""
        paths = [f"/area{number}/" for number in range(13)]
        denied = "".join(f"""
    http-request deny if {{ path_beg {path} }} !{{ src 192.0.2.0/24 }}""" for path in paths)
        return two_frontends(plain_port, ruled_port, f"""
    acl inside src 10.0.0.0/8 192.168.0.0/16 203.0.113.0/24
    acl api hdr(host) -i api.example
    http-request set-var(txn.tenant) req.hdr(host),lower,map_str({hosts},none)
    http-request set-header X-Tenant %[var(txn.tenant)]
    http-request replace-header User-Agent ^(.*)/.* \\1{denied}
    http-request deny if api !inside
    http-request deny if {{ path_end .php .cgi }}
    http-request deny if {{ url_sub ../ }}
    http-request deny if {{ hdr_cnt(host) gt 1 }}""")

    def table_config(self, size, api, listen_port):
        """A table of addresses with two rates, and nothing to do."""
        return head([f"stats socket {api} level admin"]) + f"""frontend bench
    bind 127.0.0.1:{listen_port}
    http-request return status 200

backend bench_table
    stick-table type ip size {size} expire 1h store http_req_rate(10s),http_err_rate(10s)
"""

    def load_config(self, count, listen_port, by_name):
        """`count` backends of one server each, chosen line by line or by a computed name."""
        if by_name:
            choice = ["    use_backend %[req.hdr(host),lower,field(1,.)]"]
        else:
            choice = [
                f"    use_backend site{i} if {{ req.hdr(host) -i site{i}.example }}"
                for i in range(count)
            ]
        backends = [
            f"backend site{i}\n    server s1 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}:8080"
            for i in range(count)
        ]
        frontend = f"""frontend bench
    bind 127.0.0.1:{listen_port}
    http-request return status 200 if {{ path /ready }}
"""
        return head() + frontend + "\n".join(choice) + "\n\n" + "\n\n".join(backends) + "\n"


class Nginx(Proxy):
    """nginx as a proxy, and as the origin server behind every proxy."""

    modules = "/usr/lib/nginx/modules"

    @staticmethod
    def short_version(line):
        """`nginx version: nginx/1.22.1` → `nginx 1.22.1`."""
        return line.rpartition(" ")[2].replace("/", " ")

    def argv(self, config, env):
        """The command line that runs in the foreground; all paths are under the run's folder."""
        return [self.path, "-p", env.folder, "-e", "stderr", "-c", config]

    def check_argv(self, config, env):
        """The command line that only checks the configuration."""
        return [*self.argv(config, env), "-t"]

    def config(self, task, listen_port, origin_port):
        """The same task in nginx's words."""
        if task.mode == "tcp":
            return self._stream_config(task, listen_port, origin_port)
        log = "off"
        if task.log_port:
            log = f"syslog:server=127.0.0.1:{task.log_port},nohostname combined"
        return _main(task.connections) + _http(f"""
    access_log {log};
    proxy_max_temp_file_size 0;
    upstream origin {{
        server 127.0.0.1:{origin_port};
        keepalive 1024;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{listen_port}{self._protocols(task)};
        location / {{{self._rules(task)}
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}""")

    @staticmethod
    def _protocols(task):
        if task.certificate:
            files = f"ssl_certificate {task.certificate}; ssl_certificate_key {task.certificate};"
            tls = "ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:tls:20m;"
            return f" ssl;\n        {files}\n        {tls}".removesuffix(";")
        return " http2" if task.http2 else ""

    @staticmethod
    def _rules(task):
        rules = []
        if task.resumed:
            rules.append('if ($ssl_session_reused != "r") { return 421; }')
        elif task.resumed is False:
            rules.append('if ($ssl_session_reused = "r") { return 444; }')
        if task.answer:
            rules.append(f'return 200 "{"x" * BODIES[READY_PATH]}";')
        return "".join(f"\n            {rule}" for rule in rules)

    def certificates_config(self, folder, listen_port):
        """nginx takes certificates one by one, with their host names."""
        raise StartError("nginx reads no folder of certificates")

    def rules_config(self, plain_port, ruled_port, hosts):
        """nginx has no rules of this kind."""
        raise StartError("nginx has other rules")

    def tracking_config(self, plain_port, tracked_port, hosts):
        """nginx's `limit_req` refuses, but tells no rates."""
        raise StartError("nginx has no stick tables")

    def table_config(self, size, api, listen_port):
        """nginx's zones count in other ways."""
        raise StartError("nginx has no stick tables")

    def _stream_config(self, task, listen_port, origin_port):
        if task.splice:
            raise StartError("nginx does not splice")
        module = os.path.join(self.modules, "ngx_stream_module.so")
        if not os.path.exists(module):
            raise StartError(f"no {module} (package libnginx-mod-stream)")
        return f"load_module {module};\n" + _main(task.connections) + f"""
stream {{
    server {{
        listen 127.0.0.1:{listen_port};
        proxy_pass 127.0.0.1:{origin_port};
    }}
}}
"""

    def load_config(self, count, listen_port, by_name):
        """`count` upstreams of one server each, chosen by a map of host names."""
        upstreams = "".join(
            f"    upstream site{i} {{ server 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}:8080; }}\n"
            for i in range(count)
        )
        if by_name:
            choice = "        ~^(?<site>[^.]+) $site;\n"
        else:
            choice = "".join(f"        site{i}.example site{i};\n" for i in range(count))
        return _main(1000) + _http(f"""
    access_log off;
    map_hash_max_size 131072;
{upstreams}    map $http_host $chosen {{
{choice}    }}
    server {{
        listen 127.0.0.1:{listen_port};
        location = /ready {{ return 200; }}
        location / {{ proxy_pass http://$chosen; }}
    }}""")

    def origin_config(self, listen_port, folder):
        """The origin server: the small body from memory, the large ones from files."""
        return _main(20000) + _http(f"""
    access_log off;
    sendfile on;

    open_file_cache max=16;
    default_type text/plain;
    root {folder};
    server {{
        listen 127.0.0.1:{listen_port} backlog=4096;
        location = {READY_PATH} {{ return 200 "{'x' * BODIES[READY_PATH]}"; }}
        location / {{ }}
    }}""")


def _main(connections):
    # Started as root, workers would change to a user that can't read the run's folder.
    user = "user root;\n" if os.geteuid() == 0 else ""
    return f"""{user}worker_processes 1;
daemon off;
pid nginx-{net.free_port()}.pid;
error_log stderr crit;
events {{ worker_connections {2 * connections + 1000}; }}
"""


def _http(inner):
    paths = "".join(
        f"    {kind}_temp_path tmp-{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""http {{
{paths}    keepalive_timeout 300s;
    keepalive_requests 1000000000;{inner}
}}
"""


def start_origin(nginx, env):
    """Starts the origin server on the load core; returns it and its port."""
    for path, size in BODIES.items():
        if path != READY_PATH:
            net.write_body(env.path(path[1:]), size)
    port = net.free_port()
    config = env.file("origin.conf", nginx.origin_config(port, env.folder))
    process = Process(nginx.argv(config, env), env.load_core, env.path("origin.log"))
    await_answer(process, port, READY_PATH, (200, 64), 10.0)
    return process, port
