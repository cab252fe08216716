"""The proxy through which all connections leave where the operator says so (EGRESS_PROXY): HTTP CONNECT.

The address guard resolves and checks a name itself and hands over the addresses that it checked. The proxy is asked
for such an address. Only one that refuses addresses, because its own rules go by names, is asked for the name: then it
resolves the name once more, and is trusted to lead to no private network.
"""

import base64
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from exports.transport.errors import NotSentError
from exports.transport.response_reader import ResponseReader

# A proxy answers so when it could not reach the address; everything else from 400 on is a refusal.
UNREACHABLE_STATUSES: Final = frozenset({500, 502, 503, 504})
MAX_ADDRESSES: Final = 3


@dataclass(frozen=True)
class EgressProxy:
    """A proxy's host and port, and the user name and password that it wants, separated by a colon, "" for none."""

    host: str
    port: int
    credentials: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> "EgressProxy":
        """The proxy of an address like http://user:password@host:3128. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.port == 0 or parts.path.strip("/"):
            raise ValueError("That is no address of a proxy.")
        if parts.query or parts.fragment or not url.isascii() or not url.isprintable():
            raise ValueError("That is no address of a proxy.")
        user_name, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname, parts.port or 80, f"{user_name}:{password}" if user_name or password else "")

    def connect(self, addresses: Sequence[str], name: str, port: int, timeout: float | None) -> socket.socket:
        """A connection through the proxy to the first of the checked addresses that it opens. Raises NotSentError."""
        # The portal's own order of addresses says nothing of what the proxy can reach; IPv4 mostly can be.
        places = sorted(addresses, key=lambda address: ":" in address)[:MAX_ADDRESSES]
        has_refused = False
        for address in places:
            sock, status = self._tunnel(address, port, timeout)
            if sock is not None:
                return sock
            has_refused |= status not in UNREACHABLE_STATUSES
        if has_refused and name not in addresses:
            sock, status = self._tunnel(name, port, timeout)
            if sock is not None:
                return sock
        if status in UNREACHABLE_STATUSES:
            raise NotSentError(f"{name}:{port} could not be reached through the proxy (it answered {status}).")
        raise NotSentError(f"The proxy does not let the portal through to {name}:{port} (it answered {status}).")

    @property
    def url(self) -> str:
        """Its address with user name and password, for libraries that want one. A secret."""
        user_name, _, password = self.credentials.partition(":")
        account = f"{quote(user_name, safe='')}:{quote(password, safe='')}@" if self.credentials else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{account}{host}:{self.port}"

    def check(self, timeout: float) -> None:
        """Raises NotSentError where the proxy takes no connection."""
        self._open(timeout).close()

    def _open(self, timeout: float | None) -> socket.socket:
        try:
            sock = socket.create_connection((self.host, self.port), timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, UnicodeError):
            raise NotSentError(
                f"The proxy {self.host}:{self.port} (EGRESS_PROXY) could not be reached.", action="us"
            ) from None
        return sock

    def _tunnel(self, host: str, port: int, timeout: float | None) -> tuple[socket.socket | None, int]:
        """Asks for one connection: the socket, or None and the status of the refusal."""
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
        if self.credentials:
            lines.append(f"Proxy-Authorization: Basic {base64.b64encode(self.credentials.encode()).decode()}")
        sock = self._open(timeout)
        try:
            sock.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
            answer = ResponseReader(sock, method="CONNECT")
            try:
                answer.begin()
            finally:
                answer.close()
        except (OSError, HTTPException):
            sock.close()
            raise NotSentError(
                f"The proxy {self.host}:{self.port} (EGRESS_PROXY) did not answer as a proxy does.", action="us"
            ) from None
        except BaseException:
            sock.close()
            raise
        if 200 <= answer.status < 300:
            return sock, answer.status
        sock.close()
        if answer.status == 407:
            raise NotSentError(
                "The proxy (EGRESS_PROXY) does not accept the portal's user name and password.", action="us"
            )
        return None, answer.status
