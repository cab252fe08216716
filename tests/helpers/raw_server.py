"""A server on a real socket that sends the very bytes it is given, and remembers what it was sent."""

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from exports.transport.ssrf import AddressGuard
from tests.helpers.processes import ROOT

FIELD = ROOT / "tests" / "field"
Answer = bytes | Callable[[bytes], bytes | Iterable[bytes]]


def field_bytes(name: str) -> bytes:
    """A file of tests/field: what was met in the field."""
    return (FIELD / name).read_bytes()


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer that ends where the connection does, with these headers and no others."""
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""])
    return head.encode("latin-1") + body


def sized(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer that says its length."""
    return answer(body, f"Content-Length: {len(body)}", "Connection: close", *headers, status=status)


def chunked(body: bytes, *headers: str, last: bytes = b"0\r\n\r\n", size: int = 7) -> bytes:
    """A whole answer in chunks of `size` bytes."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    sent = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return answer(sent + last, "Transfer-Encoding: chunked", *headers)


class RawServer:
    """Answers "METHOD /target" with the bytes given, in order, the last again and again, and then hangs up.

    An answer may be a function of the head that came, which returns the bytes or their parts.

    A target that was given nothing gets a 404, or `default`. `requests`: the heads that came, as they
    came. `keeps_open`: it waits for the other side to hang up.
    """

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.default: Answer = answer(b"", status="404 Not Found")
        self.keeps_open = False
        self.requests: list[bytes] = []
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.host = f"127.0.0.1:{self.sock.getsockname()[1]}"
        self.origin = f"http://{self.host}"
        self.guard = AddressGuard.allowing([self.host])

    def on(self, route: str, *answers: Answer) -> str:
        """Sets the answers of a route like "GET /file". Returns its address."""
        self.answers[route] = list(answers)
        return self.origin + route.partition(" ")[2]

    def answer_everything(self, reply: Answer) -> None:
        """Sets the answer of every route that has none of its own."""
        self.default = reply

    def requests_to(self, route: str) -> Sequence[bytes]:
        """The heads of what was asked of a route."""
        return [head for head in self.requests if head.startswith(route.encode() + b" ")]

    def serve(self) -> None:
        """Answers until the socket is shut down."""
        while True:
            try:
                peer, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(peer,), daemon=True).start()

    def _answer(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            peer.settimeout(20)
            got = b""
            while b"\r\n\r\n" not in got and (more := peer.recv(65536)):
                got += more
            head, _, body = got.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: *(\d+)", head, re.I)
            while length and len(body) < int(length[1]) and (more := peer.recv(65536)):
                body += more
            self.requests.append(head)
            queue = self.answers.get(" ".join(head.decode("latin-1").split(" ")[:2]))
            reply = self.default
            if queue:
                reply = queue.pop(0) if len(queue) > 1 else queue[0]
            sent = reply if isinstance(reply, bytes) else reply(head)
            for part in [sent] if isinstance(sent, bytes) else sent:
                peer.sendall(part)
            if not self.keeps_open:
                peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):  # An early close would reset the connection, and take what was sent with it.
                pass


@contextmanager
def run_raw_server() -> Iterator[RawServer]:
    """A raw server that listens while the block runs."""
    server = RawServer()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.sock.shutdown(socket.SHUT_RDWR)
        server.sock.close()
        thread.join(5)
