"""Addresses of links and redirects, percent-encoded as browsers do it."""

from typing import Final
from urllib.parse import urljoin

from requests.utils import requote_uri

from exports.transport.errors import AddressError

MAX_REDIRECTS: Final = 5
REDIRECT_STATUSES: Final = frozenset({301, 302, 303, 307, 308})


def quote_url(url: str) -> str:
    """The address with spaces, accents and the like percent-encoded; what is encoded already stays as it is."""
    return requote_uri(url)


def resolve_redirect(url: str, location: str) -> str:
    """The absolute address that a `Location` header of `url` names. Raises AddressError."""
    try:
        return quote_url(urljoin(url, location))
    except ValueError:
        raise AddressError("The redirect leads to something that is no address.") from None
