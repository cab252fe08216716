"""Checks whether a process serves HTTP yet, without blocking."""

import contextlib
import socket
from collections.abc import Callable

from exports.supervisor.loop import EventLoop

RETRY_SECONDS = 0.25


class ReadinessProbe:
    """Sends GET requests until the answer is 200, then calls `ready` once.

    The request is sent before the process runs: it waits in the queue of the listening socket until the process
    accepts it, so readiness needs no polling.
    """

    def __init__(
        self,
        loop: EventLoop,
        listening: socket.socket,
        host_header: str,
        ready: Callable[[], None],
        path: str = "/healthz",
    ) -> None:
        self._loop = loop
        self._family = listening.family
        address = listening.getsockname()
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  a listening address, not one to bind
        self._address = (everywhere.get(address[0], address[0]), address[1])
        self._request = f"GET {path} HTTP/1.0\r\nHost: {host_header}\r\n\r\n"
        self._ready = ready
        self.send_request()

    def send_request(self) -> None:
        """Sends the request; the answer is handled when it arrives."""
        connection = socket.socket(self._family, socket.SOCK_STREAM)
        connection.settimeout(2)
        try:
            connection.connect(self._address)
            connection.sendall(self._request.encode("ascii"))
        except OSError:
            connection.close()
            self._loop.call_later(RETRY_SECONDS, self.send_request)
            return
        # The loop closes it.
        descriptor = connection.detach()
        self._loop.add_reader(descriptor, lambda: self._answer(descriptor))

    def _answer(self, descriptor: int) -> None:
        answer = b""
        with contextlib.suppress(OSError), socket.socket(fileno=socket.dup(descriptor)) as connection:
            answer = connection.recv(64)
        self._loop.remove_reader(descriptor)
        if answer.split(b" ")[1:2] == [b"200"]:
            self._ready()
        else:
            self._loop.call_later(RETRY_SECONDS, self.send_request)
