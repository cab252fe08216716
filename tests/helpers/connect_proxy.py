"""A proxy on a real socket that opens tunnels (HTTP CONNECT) and remembers what it was asked for."""

import base64
import contextlib
import re
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ConnectProxy:
    """`account`: the user name and password that it wants. `by_name_only`: it refuses addresses, as some do.

    `names`: where names lead for this proxy. `status`: what it answers instead of a tunnel, to everything.
    """

    def __init__(
        self,
        account: str = "",
        *,
        by_name_only: bool = False,
        names: dict[str, str] | None = None,
        status: str = "",
    ) -> None:
        self.account, self.by_name_only, self.names, self.status = account, by_name_only, names or {}, status
        self.targets: list[str] = []
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.sock.getsockname()[1]}"
        self.url = f"http://{account}@{self.host}" if account else f"http://{self.host}"

    def serve(self) -> None:
        """Opens tunnels until the socket is shut down."""
        while True:
            try:
                peer, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(peer,), daemon=True).start()

    def _answer(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and (more := peer.recv(4096)):
                head += more
            match = re.match(r"CONNECT \[?([^ ]+?)\]?:(\d+) HTTP/1.[01]\r\n", head.decode())
            if match is None:
                return
            self.targets.append(f"{match[1]}:{match[2]}")
            host = self.names.get(match[1], match[1])
            refusal = self._refusal(head, match[1])
            if refusal:
                peer.sendall(f"HTTP/1.1 {refusal}\r\nContent-Length: 3\r\n\r\nno\n".encode())
                return
            with socket.create_connection((host, int(match[2])), 10) as target:
                peer.sendall(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 a-proxy\r\n\r\n")
                _pump(peer, target)

    def _refusal(self, head: bytes, host: str) -> str:
        wanted = base64.b64encode(self.account.encode())
        if self.account and b"proxy-authorization: basic " + wanted.lower() not in head.lower():
            return "407 Proxy Authentication Required"
        if self.by_name_only and re.fullmatch(r"[\d.]+", host):
            return "403 Forbidden"
        return self.status


def _pump(one: socket.socket, other: socket.socket) -> None:
    pairs = {one: other, other: one}
    while True:
        for ready in select.select(list(pairs), [], [], 20)[0]:
            data = ready.recv(65536)
            if not data:
                return
            pairs[ready].sendall(data)


@contextmanager
def run_connect_proxy(proxy: ConnectProxy) -> Iterator[ConnectProxy]:
    """The proxy, which listens while the block runs."""
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.sock.shutdown(socket.SHUT_RDWR)
        proxy.sock.close()
        thread.join(5)
