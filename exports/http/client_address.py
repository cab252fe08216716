"""The address of the client that sent a request."""

import re
from ipaddress import IPv6Address, ip_address
from typing import Final

from django.http import HttpRequest

# As some proxies write them: 192.0.2.1:443, [2001:db8::1], [2001:db8::1]:443.
WITH_PORT: Final = re.compile(r"\[([^\]]*)\](?::[0-9]+)?|([0-9.]+):[0-9]+")


def parse_address(text: str) -> str | None:
    """Returns an IP address in its normal form, or None when the text is no IP address, with or without a port.

    One of IPv4 that came over a socket of IPv6 (::ffff:192.0.2.1) is one of IPv4.
    """
    match = WITH_PORT.fullmatch(text)
    try:
        address = ip_address((match[1] or match[2]) if match else text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def client_address(request: HttpRequest) -> str | None:
    """Returns the client's address, or None over a Unix socket, where there is none.

    It is the connection's address, or the one that the proxy names (`web.middleware.RequestLimitsMiddleware`).
    """
    return parse_address(request.META.get("REMOTE_ADDR", ""))
