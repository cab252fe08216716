"""The line between a portal and its broker: a TCP relay that can be cut, since others use the broker too."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

CHUNK_BYTES = 65536


class BrokerLine:
    """Relays connections to host and port; while it is cut, none stands and none is accepted."""

    def __init__(self, host: str, port: int) -> None:
        self.target = host, port
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.port = 0
        self.restore()

    def cut(self) -> None:
        """Closes every connection; new ones are refused."""
        with self._lock:
            if self._listener is not None:
                self._listener.shutdown(socket.SHUT_RDWR)  # accept() returns in the other thread
                self._listener.close()
                self._listener = None
            for one in self._sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            self._sockets.clear()

    def restore(self) -> None:
        """Accepts connections again, on the same port."""
        listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                try:
                    far = socket.create_connection(self.target, timeout=10)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                with self._lock:
                    if self._listener is not listener:
                        near.close()
                        far.close()
                        return
                    self._sockets |= {near, far}
                threading.Thread(target=self._relay, args=(near, far), daemon=True).start()
                threading.Thread(target=self._relay, args=(far, near), daemon=True).start()

    def _relay(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                target.sendall(data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._sockets -= {source, target}
        # The last of the two directions to end closes both; closing twice does no harm.
        source.close()
        target.close()


@contextlib.contextmanager
def line_to(address: str) -> Iterator[tuple[BrokerLine, str]]:
    """A line to the broker of an address, and the address that leads through it."""
    parts = urlsplit(address)
    line = BrokerLine(parts.hostname or "127.0.0.1", parts.port or 5672)
    user, at, _ = parts.netloc.rpartition("@")
    try:
        yield line, parts._replace(netloc=f"{user}{at}127.0.0.1:{line.port}").geturl()
    finally:
        line.cut()
