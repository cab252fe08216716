"""Cookies of answers, sent back to the very host that set them and nowhere else.

Narrower than RFC 6265: `Domain` and `Path` are not read, a cookie is bound to scheme, host and port, and it ends with
the client. Values are secrets.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from exports.transport.response_reader import HeaderFields

# RFC 6265 §4.1.1: a token, and a value without what separates cookies or ends a header.
COOKIE: Final = re.compile(r"""([!#$%&'*+.^_`|~0-9A-Za-z-]{1,256})=("?)([!#-+\--:<-\[\]-~]{0,4096})\2\s*(;.*)?""", re.S)
ENDED: Final = re.compile(r";\s*max-age\s*=\s*(?:0|-\d+)\s*(?:;|\Z)", re.I)
MAX_COOKIES: Final = 50


class HostCookies:
    """The cookies that each host has set."""

    def __init__(self) -> None:
        self._by_host: dict[tuple[str, str], dict[str, str]] = {}

    def read(self, address: str, headers: HeaderFields) -> None:
        """Keeps the cookies that an answer from this address sets; what is malformed is left out."""
        for line in headers.get_all("Set-Cookie") or []:
            match = COOKIE.fullmatch(line.strip())
            if match is None:
                continue
            cookies = self._by_host.setdefault(_host(address), {})
            cookies.pop(match[1], None)
            if len(cookies) < MAX_COOKIES and not ENDED.search(match[4] or ""):
                cookies[match[1]] = match[3]

    def header(self, address: str) -> dict[str, str]:
        """The Cookie header for this address: what its host has set; {} where that is nothing."""
        cookies = self._by_host.get(_host(address))
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}

    def get(self, address: str, name: str) -> str:
        """The value of a cookie that the host of this address has set; "" where it has not."""
        return self._by_host.get(_host(address), {}).get(name, "")

    def values(self) -> Iterator[str]:
        """Every value that is kept."""
        return (value for cookies in self._by_host.values() for value in cookies.values())


def _host(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme.lower(), parts.netloc.lower()
