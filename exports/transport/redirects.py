"""Addresses of links and redirects, read as browsers do (https://url.spec.whatwg.org) where that is safe.

The result has only characters that belong in an address, so what the address guard checks is what is sent. What is
percent-encoded already stays as it is, byte for byte. Different from browsers: a `%` that encodes nothing is encoded
itself, and `\\` is not read as the end of a host, which others read differently; the guard refuses such addresses.
"""

import re
import unicodedata
from typing import Final
from urllib.parse import urljoin

from exports.transport.errors import AddressError
from exports.transport.ssrf import check_length

MAX_REDIRECTS: Final = 5
REDIRECT_STATUSES: Final = frozenset({301, 302, 303, 307, 308})
WITH_HOST: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:)//([^/?#]*)([^?#]*)(\?[^#]*)?", re.S)
# Before a host, more slashes than two are two, and a backslash is one.
SLASHES: Final = re.compile(r"\A((?:https?:)?)[/\\]{2,}", re.I)
IGNORED: Final = re.compile(r"[\t\n\r]")
DOTS: Final = re.compile("[.\u3002\uff0e\uff61]")
DEVIATIONS: Final = re.compile("[\u00df\u1e9e\u03c2]")
C0_AND_SPACE: Final = "".join(map(chr, range(0x21)))
# Surrogates but those that stand for a byte (PEP 383).
HALF_CHARACTER: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
BARE_PERCENT: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# RFC 3986's characters; `[` and `]` too, which browsers send as they are.
TO_ENCODE: Final = re.compile(rb"[^!#-;=?-\[\]_a-z~]")


def quote_url(url: str) -> str:
    """The address with spaces, accents and the like percent-encoded, its host in ASCII, without dots and fragment.

    What is no absolute address comes back quoted all the same: the guard refuses it. Raises AddressError.
    """
    check_length(url)
    url = SLASHES.sub(r"\1//", IGNORED.sub("", url.strip(C0_AND_SPACE)), count=1)
    match = WITH_HOST.match(url)
    if match is None or match[1].lower() not in ("https:", "http:"):
        return _quote(url)
    scheme, authority, path, query = match[1], match[2], match[3], match[4] or ""
    return f"{scheme}//{_ascii_host(authority)}{_quote(_without_dots(path.replace(chr(92), '/')))}{_quote(query)}"


def resolve_link(base: str, link: str) -> str:
    """The absolute address of a link in an answer that came from `base`; relative and `//host` links too.

    Raises AddressError.
    """
    check_length(link)
    link = SLASHES.sub(r"\1//", IGNORED.sub("", link.strip(C0_AND_SPACE)), count=1)
    if WITH_HOST.match(link):
        return quote_url(link)
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", link):
        head, mark, tail = link.partition("?")
        link = head.replace("\\", "/") + mark + tail
    try:
        return quote_url(urljoin(base, link))
    except ValueError:
        raise AddressError("The address leads to something that is no address.") from None


def resolve_redirect(url: str, location: str) -> str:
    """The absolute address that a `Location` header of `url` names, raw UTF-8 read as such. Raises AddressError."""
    # Headers are read as Latin-1. Bytes that are no UTF-8 stay what they are, and are encoded one by one.
    raw = location.encode("latin-1", "replace")
    return resolve_link(url, raw.decode("utf-8", "surrogateescape"))


def _quote(text: str) -> str:
    raw = HALF_CHARACTER.sub("\ufffd", text).encode("utf-8", "surrogateescape")
    raw = BARE_PERCENT.sub(b"%25", raw)
    return TO_ENCODE.sub(lambda match: b"%%%02X" % match[0][0], raw).decode("ascii")


def _ascii_host(authority: str) -> str:
    """The host in the form in which names are resolved (IDNA); what is no name stays, for the guard to refuse."""
    if authority.isascii():
        return authority
    head, at, host = authority.rpartition("@")
    name, colon, port = host.partition(":")
    try:
        return f"{head}{at}{'.'.join(map(_ascii_label, DOTS.split(name)))}{colon}{port}"
    except UnicodeError:
        return authority


def _ascii_label(label: str) -> str:
    """A part of a host. Python's codec makes others of letters that are letters of names since 2010 (RFC 5894)."""
    if DEVIATIONS.search(label):
        return "xn--" + unicodedata.normalize("NFKC", label.lower()).encode("punycode").decode("ascii")
    return label.encode("idna").decode("ascii")


def _without_dots(path: str) -> str:
    """The path with `.` and `..` resolved (RFC 3986 §5.2.4)."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
