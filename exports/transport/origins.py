"""Whether an address lies below a credential's origin, which decides whether the credential's headers may go there."""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from exports.transport.redirects import quote_url

DEFAULT_PORTS: Final = {"https": 443, "http": 80}
# What some servers take as the end of a segment, before or after they decode it.
SEGMENT_ENDS: Final = re.compile(r"[/\\;]")
MAX_DECODINGS: Final = 3


def is_below(origin: str, address: str) -> bool:
    """Whether the address has the scheme, host and port of the origin, and a path below the origin's.

    Where the origin has a path, an address with `..` in its own is not below it, also where the dots or the slash are
    percent-encoded, once or several times: servers differ in what they decode before they resolve it.
    """
    try:
        base, other = urlsplit(quote_url(origin)), urlsplit(quote_url(address))
        same_host = _host(base.scheme, base.hostname, base.port) == _host(other.scheme, other.hostname, other.port)
    except ValueError:
        return False
    if not same_host or base.scheme not in DEFAULT_PORTS or other.username is not None or other.password is not None:
        return False
    prefix = base.path.rstrip("/")
    if not prefix:
        return True
    return (other.path == prefix or other.path.startswith(f"{prefix}/")) and not _may_lead_up(other.path)


def _host(scheme: str, host: str | None, port: int | None) -> tuple[str, str, int | None]:
    return scheme, host or "", port or DEFAULT_PORTS.get(scheme)


def _may_lead_up(path: str) -> bool:
    for _ in range(MAX_DECODINGS):
        if any(segment.strip() == ".." for segment in SEGMENT_ENDS.split(path)):
            return True
        decoded = unquote(path)
        if decoded == path:
            return False
        path = decoded
    return True
