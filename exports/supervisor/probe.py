"""Asks the web process whether it serves yet, without waiting for the answer."""

import contextlib
import socket
from collections.abc import Callable

from exports.supervisor.loop import EventLoop

RETRY_SECONDS = 0.25


class ReadinessProbe:
    """GET /healthz until the answer is 200, then calls `ready` once.

    The question is asked before anybody can answer: it waits in the queue of the listening socket until the web
    process takes it, so there is nothing to poll for.
    """

    def __init__(self, loop: EventLoop, listening: socket.socket, host_header: str, ready: Callable[[], None]) -> None:
        self._loop = loop
        self._family = listening.family
        address = listening.getsockname()
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  a listening address, not one to bind
        self._address = (everywhere.get(address[0], address[0]), address[1])
        self._request = f"GET /healthz HTTP/1.0\r\nHost: {host_header}\r\n\r\n"
        self._ready = ready
        self.send_request()

    def send_request(self) -> None:
        """Send the question; the answer is handled when it comes."""
        asking = socket.socket(self._family, socket.SOCK_STREAM)
        asking.settimeout(2)
        try:
            asking.connect(self._address)
            asking.sendall(self._request.encode("ascii"))
        except OSError:
            asking.close()
            self._loop.call_later(RETRY_SECONDS, self.send_request)
            return
        # The loop closes it.
        descriptor = asking.detach()
        self._loop.add_reader(descriptor, lambda: self._answer(descriptor))

    def _answer(self, descriptor: int) -> None:
        answer = b""
        with contextlib.suppress(OSError), socket.socket(fileno=socket.dup(descriptor)) as asking:
            answer = asking.recv(64)
        self._loop.remove_reader(descriptor)
        if answer.split(b" ")[1:2] == [b"200"]:
            self._ready()
        else:
            self._loop.call_later(RETRY_SECONDS, self.send_request)
