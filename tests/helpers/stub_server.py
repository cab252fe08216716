"""A provider on a real socket that gives recorded replies, in order, and remembers the requests."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class ReceivedRequest:
    """One request as it arrived. `json` is the parsed body, None where there was none."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass
class Reply:
    """What to answer. A dict or list `body` goes out as JSON; `cut` closes the connection without an answer.

    `raw`: the bytes of a whole answer, head and all, after which the connection is closed.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    raw: bytes | None = None


class StubServer:
    """Answers "METHOD /path" (without the query) with the replies given; the last one is repeated."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.replies: dict[str, list[Reply | Callable[[ReceivedRequest], Reply]]] = {}
        self.requests: list[ReceivedRequest] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.scheme = "http" if certificate is None else "https"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )

    @property
    def origin(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_address[1]}"

    def on(self, route: str, *replies: Reply | Callable[[ReceivedRequest], Reply]) -> None:
        """Sets the replies of a route: `stub.on("GET /api/jobs/1", Reply(body={...}), Reply(500))`."""
        self.replies[route] = list(replies)

    def requests_to(self, route: str) -> list[ReceivedRequest]:
        """What was asked of a route, in order."""
        method, _, path = route.partition(" ")
        return [one for one in self.requests if one.method == method and one.path.partition("?")[0] == path]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                asked = ReceivedRequest(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
                stub.requests.append(asked)
                queue = stub.replies.get(f"{asked.method} {asked.path.partition('?')[0]}")
                if not queue:
                    reply: Reply | Callable[[ReceivedRequest], Reply] = Reply(
                        404, {"error": f"no reply for {asked.path}"}
                    )
                else:
                    reply = queue.pop(0) if len(queue) > 1 else queue[0]
                if callable(reply):
                    reply = reply(asked)
                if reply.cut or reply.raw is not None:
                    self.wfile.write(reply.raw or b"")
                    self.close_connection = True
                    return
                raw = b"" if reply.body is None else reply.body
                if not isinstance(raw, bytes):
                    raw = raw.encode() if isinstance(raw, str) else json.dumps(raw).encode()
                self.send_response(reply.status)
                for name, value in ({"Content-Type": "application/json"} | reply.headers).items():
                    self.send_header(name, value)
                if reply.status != 204:
                    self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                if reply.status != 204:
                    self.wfile.write(raw)

            do_GET = do_POST = do_HEAD = do_DELETE = answer

            def handle(self) -> None:
                # A client that refuses our certificate, or has had enough, hangs up.
                with contextlib.suppress(ssl.SSLError, ConnectionError):
                    super().handle()

            def log_message(self, format: str, *args: Any) -> None:
                return None

        return Handler


@contextmanager
def run_stub_server(certificate: Path | None = None) -> Iterator[StubServer]:
    """A stub server that listens while the block runs; with a key and certificate in one file, over TLS."""
    one = StubServer(certificate)
    thread = threading.Thread(target=one.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield one
    finally:
        one.server.shutdown()
        one.server.server_close()
        thread.join()


def free_port() -> int:
    """A port nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
