"""Clients on bad lines: they read an answer at so many bytes a second, or send a request and never end it."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

# As on a narrow line, where little is under way; with the usual ones a file of some megabytes lies in buffers at once.
RECEIVE_BYTES: Final = 8 * 1024
STEP_SECONDS: Final = 0.1


class SlowReader:
    """One request, whose answer is read slowly. `status`: the first line of the answer."""

    def __init__(self, address: str, request: bytes) -> None:
        self.connection = _connect(address)
        self.connection.sendall(request)
        self.connection.settimeout(30)
        self.head = b""
        self.read = 0

    @property
    def status(self) -> int:
        """The status of the answer."""
        while b"\r\n\r\n" not in self.head:
            self.head += self.connection.recv(256)
        return int(self.head.split(b" ")[1])


def _connect(address: str) -> socket.socket:
    parts = urlsplit(address)
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    connection.settimeout(30)
    connection.connect((parts.hostname or "", parts.port or 80))
    return connection


def get_request(address: str, path: str, token: str) -> bytes:
    """The bytes of a request."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {urlsplit(address).netloc}", f"Authorization: Bearer {token}", "", ""]
    return "\r\n".join(lines).encode()


@contextlib.contextmanager
def reading_slowly(
    address: str, path: str, token: str, readers: int, bytes_per_second: int
) -> Iterator[list[SlowReader]]:
    """While the block runs, so many clients download this path at this rate each; all are answered 200 first."""
    request = get_request(address, path, token)
    clients = [SlowReader(address, request) for _ in range(readers)]
    assert [client.status for client in clients] == [200] * readers
    ended = threading.Event()
    reading = threading.Thread(target=_read, args=(clients, bytes_per_second, ended))
    reading.start()
    try:
        yield clients
    finally:
        ended.set()
        reading.join(30)
        for client in clients:
            client.connection.close()


def _read(clients: list[SlowReader], bytes_per_second: int, ended: threading.Event) -> None:
    step = int(bytes_per_second * STEP_SECONDS)
    for client in clients:
        client.connection.setblocking(False)
    while not ended.is_set():
        for client in clients:
            with contextlib.suppress(BlockingIOError):
                client.read += len(client.connection.recv(step))
        time.sleep(STEP_SECONDS)


@contextlib.contextmanager
def unfinished(address: str, beginnings: list[bytes]) -> Iterator[list[socket.socket]]:
    """While the block runs, so many connections have sent the beginning of a request and nothing more."""
    connections = [_connect(address) for _ in beginnings]
    try:
        for connection, beginning in zip(connections, beginnings, strict=True):
            connection.sendall(beginning)
        yield connections
    finally:
        for connection in connections:
            connection.close()
