"""The portal's own address, for the links that it gives away."""

import socket
from typing import Final

from django.conf import settings
from django.http import HttpRequest

# The address of a web process that listens on a Unix socket or is no server at all, and was told no other.
UNKNOWN_ADDRESS: Final = "http://localhost"


def portal_url(request: HttpRequest | None = None) -> str:
    """Scheme, host, port and base path that links begin with, without a slash; "" where the portal cannot know them.

    PUBLIC_URL; else the address that `up` prints; else, in a web process that is started alone, the one on which it got
    the request. Never what the request says of it (Host, X-Forwarded-Proto): a link in a mail to somebody else must not
    lead where a stranger's request points.
    """
    if known := settings.PUBLIC_URL or settings.LISTENING_URL:
        return str(known)
    return _listening_url(request) if request is not None else ""


def portal_origin(request: HttpRequest | None = None) -> str:
    """As `portal_url`, without the base path: for the paths that `reverse` gives, which begin with it."""
    return portal_url(request).removesuffix(settings.BASE_PATH)


def _listening_url(request: HttpRequest) -> str:
    connection = request.META.get("gunicorn.socket")
    if connection is None:
        name, port = str(request.META.get("SERVER_NAME", "")), str(request.META.get("SERVER_PORT", ""))
    elif connection.family in (socket.AF_INET, socket.AF_INET6):
        name, port = map(str, connection.getsockname()[:2])
    else:
        # Gunicorn takes SERVER_NAME from the Host header here.
        return UNKNOWN_ADDRESS
    host = f"[{name}]" if ":" in name else name
    return f"http://{host}" if port in ("", "80") else f"http://{host}:{port}"
