"""Sockets of the harness itself: free ports, probes, idle connections, the log sink."""

import ctypes
import os
import random
import socket
import ssl
import struct
import threading
import time

_SO_RCVBUFFORCE = 33
_IP_BIND_ADDRESS_NO_PORT = 24
_CONNECTIONS_PER_SOURCE = 5000


def free_port():
    """A TCP port nobody listens on, below the range that outgoing connections are given."""
    for _ in range(200):
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port on 127.0.0.1 between 20000 and 32000")


def get(port, path, timeout=2.0):
    """One HTTP request on its own connection: (status, body length), or None if nothing answers."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as connection:
            connection.sendall(_request(path, close=True))
            answer = read_all(connection)
    except OSError:
        return None
    return _outcome(answer)


def get_tls(port, path, timeout=2.0, name="bench.example"):
    """The same over TLS. Of an error page, only the status counts: its length is given as 0."""
    answer = exchange_tls(port, _request(path, close=True), timeout, name)
    outcome = _outcome(answer or b"")
    return (outcome[0], 0) if outcome and outcome[0] >= 400 else outcome


def exchange_tls(port, data, timeout=2.0, name="bench.example"):
    """Sends something over TLS and returns all that comes back, or None when there is no connection."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as connection:
            with tls_context().wrap_socket(connection, server_hostname=name) as secure:
                secure.sendall(data)
                return read_all(secure)
    except OSError:
        return None


def tls_context():
    """A client's settings that trust everybody."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def read_all(connection):
    """What comes until the peer closes."""
    answer = bytearray()
    while chunk := connection.recv(1 << 16):
        answer += chunk
    return bytes(answer)


def _outcome(answer):
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return None
    return int(head.split(b" ", 2)[1]), len(body)


def get_http2(port, path, timeout=2.0):
    """The same in HTTP/2 with prior knowledge; a status other than 200 is given as 0."""
    # Indexed fields of the static table (":method: GET", ":scheme: http"), then two literals.
    fields = b"\x82\x86\x04" + bytes([len(path)]) + path.encode() + b"\x01\x0dbench.example"
    hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0, b"") + _frame(1, 5, 1, fields)
    status, length = 0, 0
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as connection:
            connection.sendall(hello)
            with connection.makefile("rb") as stream:
                while len(head := stream.read(9)) == 9:
                    size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
                    payload = stream.read(size)
                    if kind == 1:
                        status = 200 if b"\x88" in payload[:6] else 0
                    elif kind == 0:
                        length += size
                    if kind in (0, 1) and flags & 1:
                        return status, length
    except OSError:
        pass
    return None


def _frame(kind, flags, stream, payload):
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def ask_api(path, line, timeout=60.0):
    """The answer of a runtime API to one line of commands; raises OSError."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        connection.connect(path)
        connection.sendall(f"{line}\n".encode())
        return read_all(connection).decode("utf-8", "replace")


def _request(path, close=False):
    end = "Connection: close\r\n\r\n" if close else "\r\n"
    return f"GET {path} HTTP/1.1\r\nHost: bench.example\r\n{end}".encode()


def _read_answer(connection):
    """Reads one answer that has a Content-Length; returns its status."""
    data = bytearray()
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(4096)
        if not chunk:
            raise OSError("closed before the end of the answer's head")
        data += chunk
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    missing = length - len(body)
    while missing > 0:
        chunk = connection.recv(missing)
        if not chunk:
            raise OSError("closed before the end of the answer's body")
        missing -= len(chunk)
    return int(head.split(b" ", 2)[1])


class IdleConnections:
    """Keep-alive connections to one port that have had one request answered each."""

    def __init__(self, port, path, tls=False):
        self._port = port
        self._request = _request(path)
        self._context = tls_context() if tls else None
        self._open = []

    def grow(self, count):
        """Opens `count` more. One source address has too few ports, so several are used."""
        for _ in range(count):
            connection = socket.socket()
            self._open.append(connection)
            connection.settimeout(5.0)
            connection.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            source = 2 + len(self._open) // _CONNECTIONS_PER_SOURCE
            connection.bind((f"127.0.0.{source}", 0))
            connection.connect(("127.0.0.1", self._port))
            if self._context:
                connection = self._context.wrap_socket(connection, server_hostname="bench.example")
                self._open[-1] = connection
            connection.sendall(self._request)
            status = _read_answer(connection)
            if status != 200:
                raise OSError(f"an answer with status {status}")

    def closed_by_peer(self):
        """How many the proxy has closed: those would cost it nothing and spoil the figure."""
        closed = 0
        for connection in self._open:
            connection.setblocking(False)
            try:
                if isinstance(connection, ssl.SSLSocket):
                    closed += connection.recv(1) == b""
                else:
                    closed += connection.recv(1, socket.MSG_PEEK) == b""
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
            except OSError:
                closed += 1
        return closed

    def close(self):
        """Closes them all."""
        for connection in self._open:
            connection.close()
        self._open.clear()


class _IoVec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class _MsgHdr(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("iov", ctypes.POINTER(_IoVec)),
        ("iov_length", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]


class _MMsgHdr(ctypes.Structure):
    _fields_ = [("header", _MsgHdr), ("length", ctypes.c_uint)]


class LogSink:
    """A UDP target that counts datagrams and forgets them.

    It shares its core with the load generator, so it must cost little: it wakes 200 times a
    second and takes what has come by the hundred with recvmmsg. What did not fit into the
    receive buffer is known to the kernel and counted too.
    """

    _BATCH = 512
    _LINE = 4096

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 16 << 20)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._received = 0
        self._line = ctypes.create_string_buffer(self._LINE)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def _drain(self):
        recvmmsg = ctypes.CDLL(None, use_errno=True).recvmmsg
        iov = _IoVec(ctypes.addressof(self._line), self._LINE)
        messages = (_MMsgHdr * self._BATCH)()
        for message in messages:
            message.header.iov = ctypes.pointer(iov)
            message.header.iov_length = 1
        while not self._ended.is_set():
            got = recvmmsg(
                self._socket.fileno(), messages, self._BATCH, socket.MSG_DONTWAIT, None
            )
            if got > 0:
                self._received += got
            if got < self._BATCH:
                time.sleep(0.005)

    def count(self):
        """Datagrams sent to this port so far."""
        return self._received + self._dropped()

    def _dropped(self):
        with open("/proc/net/udp", encoding="ascii") as table:
            next(table)
            for line in table:
                fields = line.split()
                if int(fields[1].split(":")[1], 16) == self.port:
                    return int(fields[-1])
        return 0

    def last_line(self):
        """The last datagram that was read, as text."""
        return self._line.value.decode("utf-8", "replace")

    def close(self):
        """Ends the reading thread and frees the port."""
        self._ended.set()
        self._thread.join(2.0)
        self._socket.close()


def write_body(path, size):
    """A file of `size` bytes for the origin server to send."""
    with open(path, "wb") as file:
        block = os.urandom(1 << 16)
        while size > 0:
            file.write(block[: min(size, len(block))])
            size -= len(block)
