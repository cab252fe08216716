"""Gunicorn's worker with threads, in which a slow client holds none of them.

By itself gunicorn reads a request and sends its answer in the thread that runs the application: as many slow clients as
there are threads stop it. Here a thread that would have to wait for its client gives its place to another one.
"""

import select
import socket
import time
from typing import Any, Final

from gunicorn import util
from gunicorn.workers.gthread import ThreadWorker

from exports.supervisor.turns import Turns

# What a client on a good line needs for a whole request or answer, so that most never leave.
PATIENCE_SECONDS: Final = 0.05
# A request must have come whole within this time; a client must have taken something of its answer within that.
READ_SECONDS: Final = 30.0
SEND_SECONDS: Final = 60.0
CHUNK_BYTES: Final = 256 * 1024


class ClientSocket(socket.socket):
    """A client's connection. Where the client is slow, the thread leaves the pool while it waits."""

    turns: Turns

    @classmethod
    def take_over(cls, connection: socket.socket, turns: Turns) -> "ClientSocket":
        """The same connection."""
        taken = cls(connection.family, connection.type, connection.proto, fileno=connection.detach())
        taken.turns = turns
        taken.begin()
        return taken

    def begin(self) -> None:
        """A new request: all patience is there again."""
        self._patience = PATIENCE_SECONDS
        self._read_until = time.monotonic() + READ_SECONDS

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As a socket's; b"", as if the client had gone, where it takes too long."""
        if self.gettimeout() == 0.0:
            return super().recv(bufsize, flags)
        until = self._read_until
        if (timeout := self.gettimeout()) is not None:
            until = min(until, time.monotonic() + timeout)
        try:
            ready = self._wait(select.POLLIN, until)
        finally:
            self.turns.come_back()
        return super().recv(bufsize, flags) if ready else b""

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """As a socket's; BrokenPipeError where the client takes nothing for SEND_SECONDS."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[super().send(rest, flags | socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                if not self._wait(select.POLLOUT, time.monotonic() + SEND_SECONDS):
                    raise BrokenPipeError(32, "The client takes nothing") from None

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """As a socket's."""
        file.seek(offset)
        sent = 0
        while chunk := file.read(CHUNK_BYTES if count is None else min(CHUNK_BYTES, count - sent)):
            self.sendall(chunk)
            sent += len(chunk)
        return sent

    def _wait(self, event: int, until: float) -> bool:
        """Waits until the client is ready, at first in the pool, then outside; False where that takes too long."""
        poller = select.poll()
        poller.register(self.fileno(), event)
        begun = time.monotonic()
        if self._patience > 0:
            ready = poller.poll(1000 * self._patience)
            self._patience -= time.monotonic() - begun
            if ready:
                return True
        elif poller.poll(0):
            return True
        # Without room for another one that waits, this one is given up: others must get their pages.
        return self.turns.leave() and bool(poller.poll(max(0.0, 1000 * (until - time.monotonic()))))


class WebWorker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's `gthread`, with threads that leave."""

    tpool: Turns
    wsgi: Any

    def get_thread_pool(self) -> Turns:
        """The pool of `--threads`."""
        return Turns(self.cfg.threads)

    def load_wsgi(self) -> None:
        """Has the application told of the pool: `exports.turns` in the environment of a request."""
        super().load_wsgi()
        application = self.wsgi

        def with_turns(environ: dict[str, Any], start_response: Any) -> Any:
            environ["exports.turns"] = self.tpool
            return application(environ, start_response)

        self.wsgi = with_turns

    def enqueue_req(self, conn: Any) -> None:
        """Has a thread take the request. With TLS of gunicorn's own, as gunicorn does."""
        if not self.cfg.is_ssl and not isinstance(conn.sock, ClientSocket):
            conn.sock = ClientSocket.take_over(conn.sock, self.tpool)
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """One request of the connection; runs in a thread."""
        if isinstance(conn.sock, ClientSocket):
            conn.sock.begin()
            # Gunicorn would wait for the first bytes in this thread; the socket waits outside.
            conn.data_ready = True
        keeps = super().handle(conn)
        if not keeps and isinstance(conn.sock, ClientSocket):
            # Gunicorn would wait for the client's end in its main loop, where nobody else is served meanwhile.
            util.close_graceful(conn.sock)
        return keeps
