"""Clients that keep one connection for a whole run, a WebSocket among them, and what they talk to."""

import base64
import hashlib
import os
import socket
import struct
import threading
import time

from . import net

_PATIENCE = 60.0
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def read_head(connection):
    """Reads up to the empty line, byte by byte so that nothing after it is taken."""
    data = bytearray()
    while not data.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            raise OSError("closed before the end of the head")
        data += byte
    return bytes(data)


def header(head, name):
    """The value of a header in a head, or None."""
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None


def read_exactly(connection, count):
    """`count` bytes; raises OSError when the peer closes before."""
    data = bytearray()
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        if not chunk:
            raise OSError("closed by the peer")
        data += chunk
    return bytes(data)


def connect(port, tls=False):
    """A connection to a port here."""
    connection = socket.create_connection(("127.0.0.1", port), _PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        return net.tls_context().wrap_socket(connection, server_hostname="bench.example")
    return connection


class Held:
    """A thread with one connection, on which `exchange` is done again and again.

    `done` counts exchanges; `fault` says what went wrong, after which nothing more is done.
    """

    def __init__(self, name, pause, tls=False):
        self.name = name
        self.done = 0
        self.fault = None
        self._pause = pause
        self._tls = tls
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._connection = None

    def open(self, port):
        """Connects, does the first exchange here, and starts the thread."""
        self._connection = connect(port, self._tls)
        self.greet(self._connection)
        self.exchange(self._connection)
        self.done = 1
        self._thread.start()
        return self

    def greet(self, connection):
        """What comes once, after connecting."""

    def exchange(self, connection):
        """One exchange; raises OSError or ValueError when it isn't as it ought to be."""
        raise NotImplementedError

    def _run(self):
        while not self._ended.wait(self._pause):
            self._once()
            if self.fault:
                return

    def _once(self):
        try:
            self.exchange(self._connection)
            self.done += 1
        except (OSError, ValueError) as error:
            self.fault = f"after {self.done} exchanges: {error}"

    def close(self):
        """Does a last exchange, so that an end after the former one is seen, too."""
        self._ended.set()
        self._thread.join(_PATIENCE)
        if not self.fault:
            self._once()
        self._connection.close()


class HeldHttp(Held):
    """Requests on one keep-alive connection, which must not be told to close it."""

    def exchange(self, connection):
        """One request and its answer."""
        connection.sendall(b"GET /64 HTTP/1.1\r\nHost: bench.example\r\n\r\n")
        head = read_head(connection)
        if not head.startswith(b"HTTP/1.1 200 "):
            raise ValueError(f"answered with {head.splitlines()[0]!r}")
        read_exactly(connection, int(header(head, b"content-length") or 0))
        if header(head, b"connection"):
            raise ValueError(f"told 'Connection: {header(head, b'connection').decode()}'")


class HeldWebSocket(Held):
    """Messages over a WebSocket, which have to come back."""

    def greet(self, connection):
        """The handshake."""
        key = base64.b64encode(os.urandom(16))
        connection.sendall(
            b"GET /echo HTTP/1.1\r\nHost: bench.example\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
        )
        head = read_head(connection)
        if not head.startswith(b"HTTP/1.1 101 ") or header(head, b"sec-websocket-accept") != accept(key):
            raise ValueError(f"no WebSocket: {head!r}")

    def exchange(self, connection):
        """One message and its echo."""
        message = f"message {self.done}".encode()
        mask = os.urandom(4)
        frame = struct.pack("!BB", 0x81, 0x80 | len(message)) + mask + masked(message, mask)
        connection.sendall(frame)
        first, length = read_exactly(connection, 2)
        echo = read_exactly(connection, length & 0x7F)
        if first != 0x81 or echo != message:
            raise ValueError(f"{echo!r} came back for {message!r}")


def accept(key):
    """The answer to a WebSocket's key."""
    return base64.b64encode(hashlib.sha1(key + _GUID).digest())


def masked(data, mask):
    """A payload with the client's mask put on or taken off."""
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


class EchoServer:
    """A WebSocket server that sends short messages back."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    @staticmethod
    def _serve(connection):
        try:
            with connection:
                key = header(read_head(connection), b"sec-websocket-key") or b""
                connection.sendall(
                    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    b"Sec-WebSocket-Accept: " + accept(key) + b"\r\n\r\n"
                )
                while True:
                    first, length = read_exactly(connection, 2)
                    mask = read_exactly(connection, 4)
                    message = masked(read_exactly(connection, length & 0x7F), mask)
                    connection.sendall(struct.pack("!BB", first, len(message)) + message)
        except OSError:
            pass

    def close(self):
        """Accepts no more."""
        self._socket.close()


class Stream:
    """A thread that sends small requests at a fixed rate and notes how late each answer is.

    An answer's time counts from when its request was due: one that stalls delays those after it,
    and they count, too.
    """

    def __init__(self, port, rate):
        self._interval = 1 / rate
        self._connection = connect(port)
        self._ended = threading.Event()
        self._samples = []
        self.fault = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        due = time.perf_counter()
        try:
            while not self._ended.is_set():
                due += self._interval
                pause = due - time.perf_counter()
                if pause > 0:
                    time.sleep(pause)
                self._connection.sendall(b"GET /ready HTTP/1.1\r\nHost: bench.example\r\n\r\n")
                head = read_head_at_once(self._connection)
                if not head.startswith(b"HTTP/1.1 200 "):
                    raise ValueError(f"answered with {head[:40]!r}")
                self._samples.append((due, time.perf_counter() - due))
        except (OSError, ValueError) as error:
            self.fault = str(error)

    def between(self, begin, end):
        """When each request of this time was due (`perf_counter`), and its latency in seconds."""
        return [sample for sample in list(self._samples) if begin <= sample[0] <= end]

    def close(self):
        """Ends the thread."""
        self._ended.set()
        self._thread.join(_PATIENCE)
        self._connection.close()


def read_head_at_once(connection):
    """Reads an answer without a body, in as few reads as may be."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        chunk = connection.recv(4096)
        if not chunk:
            raise OSError("closed by the peer")
        data += chunk
    return data
