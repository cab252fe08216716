"""Opening addresses that a stranger named: without credentials, redirects checked one by one, streamed."""

import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from exports.transport.client import (
    CONNECT_SECONDS,
    MAX_REDIRECTS,
    READ_SECONDS,
    REDIRECT_STATUSES,
    TOTAL_SECONDS,
    USER_AGENT,
    CallRecord,
    error_from_exception,
    resolve_redirect,
)
from exports.transport.connections import Exchange, new_correlation_id, new_session, track_exchange
from exports.transport.errors import AddressError, ProviderError, UnclearError
from exports.transport.ssrf import AddressGuard


@dataclass
class StreamedResponse:
    """An opened link: status, headers and the body as it comes. `hosts` it went through, for the record."""

    status: int
    headers: Mapping[str, str]
    response: requests.Response
    exchange: Exchange

    @property
    def has_explicit_end(self) -> bool:
        """Whether the end of the body is told apart from a connection that was cut (RFC 9112 §6.3)."""
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        return chunked or "Content-Length" in self.headers or bool(self.headers.get("Content-Encoding"))

    def chunks(self, size: int) -> Iterator[bytes]:
        """Pieces as they arrive (at most `size` bytes each), decoded when the server encoded them unasked."""
        raw = self.response.raw
        if self.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip", "deflate"):
            yield from self._unpacked(size)
            return
        while piece := raw.read1(size, decode_content=False):
            yield piece

    def _unpacked(self, size: int) -> Iterator[bytes]:
        """What was packed unasked, piece by piece; a stream that lacks its end was cut."""
        unpack = zlib.decompressobj(wbits=47)
        try:
            while not unpack.eof and (piece := self.response.raw.read1(size, decode_content=False)):
                while piece and not unpack.eof:
                    yield unpack.decompress(piece, size)
                    piece = unpack.unconsumed_tail
        except zlib.error:
            raise UnclearError("The file came packed, and cannot be unpacked.") from None
        if not unpack.eof:
            raise UnclearError("The download was cut off.")


@contextmanager
def open_url(
    url: str,
    guard: AddressGuard,
    headers: Mapping[str, str],
    record: Callable[[CallRecord], None],
    *,
    method: str = "GET",
    json: Any = None,
    seconds: float | None = None,
) -> Iterator[StreamedResponse]:
    """Opens an address a stranger named: without credentials, at most five redirects, each checked.

    Raises AddressError, NotSentError, UnclearError. Any final status comes back as it is.
    """
    url = requests.utils.requote_uri(url)  # real links have spaces and accents; the guard sees what is sent
    for _ in range(MAX_REDIRECTS + 1):
        guard.check(url)
        begun = time.monotonic()
        number = new_correlation_id()
        status: int | None = None
        error = ""
        session = new_session(guard)
        exchange: Exchange | None = None
        try:
            with track_exchange(seconds or TOTAL_SECONDS) as exchange:
                response = session.request(
                    method,
                    url,
                    json=json,
                    headers={"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": USER_AGENT, **headers},
                    timeout=(CONNECT_SECONDS, READ_SECONDS),
                    allow_redirects=False,
                    stream=True,
                )
                status = response.status_code
                exchange.deadline = exchange.deadline if seconds else None  # the head is in; a body may take its time
                if status in REDIRECT_STATUSES and response.headers.get("Location"):
                    response.close()
                    url = resolve_redirect(url, response.headers["Location"])
                    continue
                with response:
                    yield StreamedResponse(status, response.headers, response, exchange)
                return
        except ProviderError as problem:
            error = problem.message
            raise
        except (requests.RequestException, HTTPError, ConnectionError, TimeoutError) as problem:
            mapped = error_from_exception(problem, exchange or Exchange(), "The file's host")
            error = mapped.message
            raise mapped from None
        finally:
            session.close()
            record(CallRecord(method, redact_url(url), status, time.monotonic() - begun, error, number))
    raise AddressError("The link redirects more than five times.")


def redact_url(url: str) -> str:
    """A link as it may be shown: a link to a file is a secret, so only its host and ending stay."""
    parts = urlsplit(url)
    ending = re.search(r"\.[A-Za-z0-9]{1,5}\Z", parts.path)
    return f"{parts.scheme}://{parts.hostname or ''}/…{ending[0] if ending else ''}"[:500]
