"""HTTP/1.1 on a socket: keep-alive, one thread per connection, and faults of the transport."""

import re
import socket
import socketserver
import threading
import time
import traceback
from collections.abc import Iterator
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote

from exports.sandbox.blob import CHUNK_BYTES
from exports.sandbox.control import Control
from exports.sandbox.request_parsing import SERVER_HEADER, Request, Response, html_response
from exports.sandbox.state import SandboxState

QUOTED_SLASH = re.compile("%2f", re.I)
MAX_BODY_BYTES = 10 << 20
IDLE_SECONDS = 120
DRIP_PIECES = 20


class HttpServer(ThreadingHTTPServer):
    """The server of one port: all providers below their prefixes, or `only_provider` at the root.

    `listening`: a socket that listens already, in place of one on `address`.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(
        self,
        address: tuple[str, int],
        state: SandboxState,
        only_provider: str | None = None,
        listening: socket.socket | None = None,
    ) -> None:
        self.state, self.only_provider = state, only_provider
        self.control = Control(state)
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, Handler, bind_and_activate=listening is None)
        if listening is not None:
            self.socket.close()
            self.socket, self.server_address = listening, listening.getsockname()
            self._set_name()

    def server_bind(self) -> None:
        """Binds without the base class's name-service lookup of this host."""
        socketserver.TCPServer.server_bind(self)
        self._set_name()

    def _set_name(self) -> None:
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Prints nothing: clients often close the connection during an answer, and some faults make them do so."""

    def track_connection(self, connection: socket.socket, opened: bool) -> None:
        """Keeps the list of open connections."""
        with self._lock:
            (self._open.add if opened else self._open.discard)(connection)

    def stop(self) -> None:
        """Stops listening and closes every connection at once."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._open:
                _shut(connection)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    server: HttpServer

    def version_string(self) -> str:
        """Names the stand-in also in the answers of the base class."""
        return SERVER_HEADER

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: the ledger records what happened."""

    def handle(self) -> None:
        """Serves the connection until either side ends it."""
        self.server.track_connection(self.connection, opened=True)
        try:
            super().handle()
        except OSError:
            self.close_connection = True
        finally:
            self.server.track_connection(self.connection, opened=False)

    def answer(self) -> None:
        """Reads one request and sends its answer."""
        body = self._body()
        if isinstance(body, Response):
            self.close_connection = True
            self._send(body)
            return
        raw, _, query = self.path.partition("?")
        # A quoted slash is part of a segment, so it stays quoted.
        path = unquote(QUOTED_SLASH.sub("%252F", raw))
        host = self.headers.get("Host") or f"{self.server.server_name}:{self.server.server_port}"
        parameters = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
        call = Request(self.command, path, parameters, self.headers, body, f"http://{host}")
        try:
            reply = self._reply(call)
        except Exception:
            # A bug of the stand-in itself must be visible to the client and to the operator.
            traceback.print_exc()
            reply = html_response("The stand-in itself is broken", status=500)
        self._send(reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def _reply(self, call: Request) -> Response:
        provider = self.server.only_provider
        if call.path.startswith("/storage/"):
            return self.server.state.files.respond_from_storage(call)
        if provider:
            return self.server.state.respond(provider, call) if call.path != "/" else self.server.control.page(call)
        prefix, slash, rest = call.path[1:].partition("/")
        if prefix not in self.server.state.services:
            return self.server.control.respond(call)
        if not slash:
            return html_response("Stand-in for an API", status=404)
        call.origin, call.path = f"{call.origin}/{prefix}", f"/{rest}"
        return self.server.state.respond(prefix, call)

    def _body(self) -> bytes | Response:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return html_response("411 Length Required", status=411)
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal():
            return html_response("400 Bad Request", status=400)
        if int(length) > MAX_BODY_BYTES:
            return html_response("413 Content Too Large", status=413)
        return self.rfile.read(int(length)) if length != "0" else b""

    def _send(self, reply: Response) -> None:
        if reply.delay and self.server.stopping.wait(reply.delay):
            self.close_connection = True
            return
        if reply.cut:
            self._hang_up()
            return
        length = reply.declared if reply.declared is not None else len(reply.body)
        bare = self.command == "HEAD" or reply.status in (204, 304)
        if reply.framing == "chunked":
            reply.headers["Transfer-Encoding"] = "chunked"
        elif reply.framing == "close":
            self.close_connection = True
        elif reply.status not in (204, 304):
            reply.headers["Content-Length"] = str(length)
        head = self._head(reply)
        if bare:
            self.wfile.write(head)
            return
        if isinstance(reply.body, bytes) and reply.stop_after is None and not reply.drip and reply.framing == "length":
            self.wfile.write(head + reply.body)
            return
        self.wfile.write(head)
        self._send_body(reply)

    def _head(self, reply: Response) -> bytes:
        lines = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}", f"Server: {SERVER_HEADER}", f"Date: {_date()}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        if self.close_connection:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _send_body(self, reply: Response) -> None:
        left = reply.stop_after if reply.stop_after is not None else len(reply.body)
        whole = reply.stop_after is None or reply.stop_after >= (reply.declared or len(reply.body))
        pause = reply.drip / DRIP_PIECES
        for piece in _pieces(reply):
            part = piece[:left] if not reply.endless else piece
            if reply.framing == "chunked":
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), bytes(part)) if part else b"")
            else:
                self.wfile.write(part)
            left -= len(part)
            if (left <= 0 and not reply.endless) or self.server.stopping.wait(pause):
                break
        if not whole:
            self._hang_up()
        elif reply.framing == "chunked":
            self.wfile.write(b"0\r\n\r\n")

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        _shut(self.connection)


def _pieces(reply: Response) -> Iterator[memoryview]:
    if not isinstance(reply.body, bytes):
        yield from reply.body.chunks()
        return
    data = memoryview(reply.body)
    if reply.endless:
        while True:
            yield data
    size = max(1, -(-len(data) // DRIP_PIECES)) if reply.drip else CHUNK_BYTES
    for start in range(0, len(data), size):
        yield data[start : start + size]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


_dated: tuple[int, str] = (0, "")


def _date() -> str:
    """The present time in HTTP format, formatted once a second."""
    global _dated
    now = int(time.time())
    if _dated[0] != now:
        _dated = (now, formatdate(now, usegmt=True))
    return _dated[1]
