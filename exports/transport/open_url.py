"""Opens addresses from outside (links to files, outgoing messages): each redirect checked, streamed.

No credential is sent, unless the caller decides so anew for each address (`headers_for`; see file_requests.py).

Each request has a connection of its own, so none is shared between teams. Its socket is opened by the address guard
(see connections.py).
"""

import json as jsonlib
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from exports.transport.client import TOTAL_SECONDS, USER_AGENT, CallRecord
from exports.transport.connections import ApiSession, Exchange, error_from_exception, new_correlation_id, track_exchange
from exports.transport.content_coding import Body
from exports.transport.errors import AddressError, ProviderError
from exports.transport.redirects import MAX_REDIRECTS, REDIRECT_STATUSES, quote_url, resolve_redirect
from exports.transport.response_reader import HeaderFields
from exports.transport.ssrf import AddressGuard


@dataclass
class StreamedResponse:
    """The answer to an opened address: status, headers and the body, which is read as it arrives.

    `url`: the address that gave it, behind all redirects; a secret.
    """

    status: int
    headers: HeaderFields = field(repr=False)
    body: Body = field(repr=False)
    url: str = field(default="", repr=False)

    @property
    def is_encoded(self) -> bool:
        """Whether the body came packed, so that no Range can go on with it. Reads the body's beginning."""
        return self.body.is_encoded

    @property
    def has_explicit_end(self) -> bool:
        """Whether, now that the body is read, something proves that it is whole (RFC 9112 §6.3, or its own check)."""
        return self.body.is_proven_whole

    @property
    def length(self) -> int | None:
        """How many bytes the body has on its way, where the answer is delimited by that."""
        return self.body.length

    @property
    def has_surplus(self) -> bool:
        """Whether, now that the body is read, the host sent more than it announced."""
        return self.body.has_surplus

    def chunks(self, size: int) -> Iterator[bytes]:
        """Pieces of the body as they arrive, of at most `size` bytes, unpacked where it came packed.

        Raises ContentCodingError, and HTTPException when it ends early, which `open_url` turns into UnclearError.
        """
        return self.body.chunks(size)


@contextmanager
def open_url(
    url: str,
    guard: AddressGuard,
    headers: Mapping[str, str],
    record_call: Callable[[CallRecord], None],
    *,
    method: str = "GET",
    json: Any = None,
    body: bytes | None = None,
    seconds: float | None = None,
    follow_redirects: bool = True,
    label: str = "The file's host",
    headers_for: Callable[[str], Mapping[str, str]] | None = None,
    keeps_gzip: bool = False,
) -> Iterator[StreamedResponse]:
    """Opens an address, and follows at most five redirects. `record_call` is called after each exchange.

    What is sent is `json`, or `body` as it stands, which is JSON already. `follow_redirects`: False where a redirect
    is an answer like another. `label`: who answers, in errors. `seconds`: limit of each whole exchange with its body;
    None: 150 s until the headers have come, none for the body. `headers_for`: more headers for one address, asked
    anew for each; what it returned for another one is not sent. `keeps_gzip`: as in Body. The response may have any
    status. Raises AddressError, NotSentError, UnclearError, ContentCodingError.
    """
    url = quote_url(url)  # Real links have spaces and accents; the guard must see what is sent.
    body = body if json is None else jsonlib.dumps(json, allow_nan=False).encode()
    sent = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": USER_AGENT, "Connection": "close", **headers}
    if body is not None:
        sent["Content-Type"] = "application/json"
    for _ in range(MAX_REDIRECTS + 1):
        parts = guard.check(url)
        own = dict(headers_for(url)) if headers_for else {}
        started = time.monotonic()
        correlation_id = new_correlation_id()
        status: int | None = None
        error = ""
        exchange: Exchange | None = None
        session = ApiSession(guard)
        try:
            with (
                track_exchange(seconds or TOTAL_SECONDS) as exchange,
                session.send_request(exchange, method, parts, body, {**sent, **own}) as response,
            ):
                status = response.status
                # Of an answer to what was sent only the status counts, so nothing is waited for behind it.
                response.is_last = method == "GET"
                if not seconds:
                    exchange.deadline = None  # The headers are here; a body may take long.
                locations = response.headers.get_all("Location")
                if follow_redirects and status in REDIRECT_STATUSES and locations and locations[0]:
                    url = resolve_redirect(url, locations[0])
                    continue
                yield StreamedResponse(status, response.headers, Body(response, keeps_gzip=keeps_gzip), url)
                return
        except ProviderError as problem:
            error = problem.message
            raise
        except (HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as problem:
            mapped = error_from_exception(problem, exchange or Exchange(), label)
            error = mapped.message
            raise mapped from None
        finally:
            session.close()
            call_seconds = time.monotonic() - started
            record_call(CallRecord(method, redact_url(parts.geturl()), status, call_seconds, error, correlation_id))
    raise AddressError("The link redirects more than five times.")


def redact_url(url: str) -> str:
    """The address as it may be shown: scheme, host and file name extension. The rest of a link is a secret."""
    parts = urlsplit(url)
    extension = re.search(r"\.[A-Za-z0-9]{1,5}\Z", parts.path)
    return f"{parts.scheme}://{parts.hostname or ''}/…{extension[0] if extension else ''}"[:500]
