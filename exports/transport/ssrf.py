"""Protection against server-side request forgery: which addresses the portal may open, decided at the socket.

Every address that a person entered or a provider's answer named is checked here: origins, links, redirects, outgoing
webhooks. A name is resolved once, every record is checked, and the connection goes to the address that was checked,
so a DNS answer that changes between check and use has no effect.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from exports.transport.egress_proxy import EgressProxy
from exports.transport.errors import AddressError, NotSentError

# The is_private and is_global of ipaddress are wrong for several of these (CGNAT, NAT64, 6to4, mapped, compatible).
# Source: the IANA special-purpose address registries.
BLOCKED_V4: Final = tuple(
    ipaddress.ip_network(block)
    for block in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    ]
)
PUBLIC_V6: Final = ipaddress.ip_network("2000::/3")
BLOCKED_V6: Final = tuple(
    ipaddress.ip_network(block)
    for block in ["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16"]
)
# Longer than servers take: most end at 8,000 or 16,000 characters.
MAX_URL_LENGTH: Final = 32_768
HOSTNAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*\Z"
)
URL_CHARACTERS: Final = re.compile(r"[!#-;=?-\[\]_a-z~]*\Z")
# One sentence for both: else who may name hosts could ask which names the inner network has.
NO_PUBLIC_ADDRESS: Final = (
    "The name {} leads to no public address: it does not exist, cannot be resolved just now, or is private."
    " Check its spelling; a private one is allowed by staff, in PRIVATE_HOSTS."
)
LAST_LABEL_IS_NUMBER: Final = re.compile(r"(^|\.)(0x[0-9a-f]*|[0-9]+)\Z")


def check_length(url: str) -> None:
    """Raises AddressError for an address that is longer than any that leads somewhere, before it takes memory."""
    if len(url) > MAX_URL_LENGTH:
        raise AddressError(f"The address has more than {MAX_URL_LENGTH} characters.")


def is_public(address: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address of the public internet."""
    try:
        ip = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in block for block in BLOCKED_V4)
    return ip in PUBLIC_V6 and not any(ip in block for block in BLOCKED_V6)


@dataclass(frozen=True)
class AddressGuard:
    """The rule and its exceptions: each `host` or `host:port` in `private_hosts` may be reached nevertheless.

    `proxy`: the way out, where it is not the direct one. `extra_ca_file`: a file of authorities that count beside
    certifi's.
    """

    private_hosts: frozenset[str] = frozenset()
    proxy: EgressProxy | None = None
    extra_ca_file: str = ""

    @classmethod
    def allowing(
        cls, hosts: Iterable[str], proxy: EgressProxy | None = None, extra_ca_file: str = ""
    ) -> "AddressGuard":
        """A guard with these exceptions (the setting PRIVATE_HOSTS)."""
        return cls(frozenset(host.strip().lower() for host in hosts if host.strip()), proxy, extra_ca_file)

    def is_exempt(self, host: str, port: int) -> bool:
        """Whether the host, at this port, is an exception."""
        return (
            host in self.private_hosts
            or f"{host}:{port}" in self.private_hosts
            or f"[{host}]" in self.private_hosts
            or f"[{host}]:{port}" in self.private_hosts
        )

    def check(self, url: str) -> SplitResult:
        """The parts of the address. Refuses by spelling alone (scheme, user info, odd hosts): raises AddressError."""
        check_length(url)
        if not URL_CHARACTERS.match(url):
            raise AddressError("The address has characters that do not belong in one.")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise AddressError("That is not an address.") from None
        host = (parts.hostname or "").rstrip(".")
        if parts.scheme not in ("https", "http") or not host:
            raise AddressError("Only https addresses are opened.")
        if parts.username is not None or parts.password is not None:
            raise AddressError("An address with a user name in it is not opened.")
        is_exempt = self.is_exempt(host, port or (443 if parts.scheme == "https" else 80))
        if parts.scheme == "http" and not is_exempt:
            raise AddressError(f"Plain http to {host} is refused. Staff may allow the host in PRIVATE_HOSTS.")
        if port == 0:
            raise AddressError("Port 0 is no port.")
        if not is_exempt:
            self._check_host(host)
        return parts

    def _check_host(self, host: str) -> None:
        if ":" in host:
            literal = host
        elif LAST_LABEL_IS_NUMBER.search(host):
            # 127.1, 0x7f000001, 017700000001: system resolvers read these as addresses; no public host is written so.
            literal = host if re.fullmatch(r"(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}", host) else ""
        elif HOSTNAME.match(host):
            return
        else:
            literal = ""
        if not literal or not is_public(literal):
            raise AddressError(f"{host} is not a public address. Staff may allow it in PRIVATE_HOSTS.")

    def resolve(self, host: str, port: int) -> list[tuple[Any, ...]]:
        """The getaddrinfo rows of the host. Raises NotSentError, and AddressError when any record is not public."""
        bare = host.strip("[]").rstrip(".").lower()
        try:
            rows = socket.getaddrinfo(bare, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise NotSentError(NO_PUBLIC_ADDRESS.format(bare)) from None
        if not self.is_exempt(bare, port) and not all(is_public(str(row[4][0])) for row in rows):
            raise AddressError(NO_PUBLIC_ADDRESS.format(bare))
        return list(rows)

    def connect(self, host: str, port: int, timeout: float | None) -> socket.socket:
        """A TCP connection to the host, at an address that was checked. Raises AddressError, NotSentError."""
        problem: OSError | None = None
        rows = self.resolve(host, port)
        if self.proxy is not None:
            addresses = list(dict.fromkeys(str(row[4][0]) for row in rows))
            return self.proxy.connect(addresses, host.strip("[]").rstrip(".").lower(), port, timeout)
        for family, kind, proto, _, sockaddr in rows:
            sock = socket.socket(family, kind, proto)
            try:
                sock.settimeout(timeout)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.connect(sockaddr)
            except OSError as error:
                problem = error
                sock.close()
            else:
                return sock
        reason = "no answer in time" if isinstance(problem, TimeoutError) else "no connection"
        raise NotSentError(f"{host}:{port} could not be reached ({reason}).")
