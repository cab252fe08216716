"""The address of the client that sent a request."""

from ipaddress import ip_address

from django.http import HttpRequest


def parse_address(text: str) -> str | None:
    """Returns an IP address in its normal form, or None when the text is no IP address."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def client_address(request: HttpRequest) -> str | None:
    """Returns the client's address, or None over a Unix socket, where there is none.

    It is the connection's address, or the one that the proxy names (`web.middleware.RequestLimitsMiddleware`).
    """
    return parse_address(request.META.get("REMOTE_ADDR", ""))
