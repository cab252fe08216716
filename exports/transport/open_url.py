"""Opens addresses from outside (links to files, outgoing messages): no credentials, each redirect checked, streamed.

Each request uses a `requests.Session` of its own, so no cookie and no connection is shared between teams. Its sockets
are opened by the address guard (see connections.py).
"""

import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from exports.transport.client import CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS, USER_AGENT, CallRecord
from exports.transport.connections import (
    Exchange,
    error_from_exception,
    guarded_pool_manager,
    new_correlation_id,
    track_exchange,
)
from exports.transport.errors import AddressError, ProviderError, UnclearError
from exports.transport.redirects import MAX_REDIRECTS, REDIRECT_STATUSES, quote_url, resolve_redirect
from exports.transport.ssrf import AddressGuard


class _GuardedAdapter(HTTPAdapter):
    """Takes its connections from `guarded_pool_manager`. It never retries."""

    def __init__(self, guard: AddressGuard) -> None:
        self.guard = guard
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        self.poolmanager = guarded_pool_manager(
            self.guard, num_pools=connections, maxsize=maxsize, block=block, **kwargs
        )


class _GuardedSession(requests.Session):
    def __init__(self, guard: AddressGuard) -> None:
        super().__init__()
        # Neither proxies of the environment nor .netrc, of which an entry was measured to replace a Bearer token.
        self.trust_env = False
        adapter = _GuardedAdapter(guard)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Always None: even with `allow_redirects=False`, requests would read the whole body of a redirect, and fail
        on a `Location` that is no address.
        """
        return None


@dataclass
class StreamedResponse:
    """The answer to an opened address: status, headers and the body, which is read as it arrives."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    response: requests.Response
    exchange: Exchange

    @property
    def has_explicit_end(self) -> bool:
        """Whether the end of the body can be told from a connection that was cut (RFC 9112 §6.3)."""
        is_chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        return is_chunked or "Content-Length" in self.headers or bool(self.headers.get("Content-Encoding"))

    def chunks(self, size: int) -> Iterator[bytes]:
        """Pieces of the body as they arrive, of at most `size` bytes, decompressed where the server compressed them.

        Raises UnclearError when compressed data are damaged or end early, else urllib3's HTTPError.
        """
        if self.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip", "deflate"):
            yield from self._decompressed_chunks(size)
            return
        raw = self.response.raw
        while chunk := raw.read1(size, decode_content=False):
            yield chunk

    def _decompressed_chunks(self, size: int) -> Iterator[bytes]:
        decompressor = zlib.decompressobj(wbits=47)
        try:
            while not decompressor.eof and (chunk := self.response.raw.read1(size, decode_content=False)):
                while chunk and not decompressor.eof:
                    yield decompressor.decompress(chunk, size)
                    chunk = decompressor.unconsumed_tail
        except zlib.error:
            raise UnclearError("The file came packed, and cannot be unpacked.") from None
        if not decompressor.eof:
            raise UnclearError("The download was cut off.")


@contextmanager
def open_url(
    url: str,
    guard: AddressGuard,
    headers: Mapping[str, str],
    record_call: Callable[[CallRecord], None],
    *,
    method: str = "GET",
    json: Any = None,
    seconds: float | None = None,
) -> Iterator[StreamedResponse]:
    """Opens an address, and follows at most five redirects. `record_call` is called after each exchange.

    `seconds`: limit of each whole exchange with its body; None: 150 s until the headers have come, none for the body.
    The response may have any status. Raises AddressError, NotSentError, UnclearError.
    """
    url = quote_url(url)  # Real links have spaces and accents; the guard must see what is sent.
    for _ in range(MAX_REDIRECTS + 1):
        guard.check(url)
        started = time.monotonic()
        correlation_id = new_correlation_id()
        status: int | None = None
        error = ""
        session = _GuardedSession(guard)
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
                exchange.deadline = (
                    exchange.deadline if seconds else None
                )  # The headers are here; a body may take long.
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
            timed_out = isinstance(problem, requests.Timeout)
            mapped = error_from_exception(problem, exchange or Exchange(), "The file's host", timed_out=timed_out)
            error = mapped.message
            raise mapped from None
        finally:
            session.close()
            call_seconds = time.monotonic() - started
            record_call(CallRecord(method, redact_url(url), status, call_seconds, error, correlation_id))
    raise AddressError("The link redirects more than five times.")


def redact_url(url: str) -> str:
    """The address as it may be shown: scheme, host and file name extension. The rest of a link is a secret."""
    parts = urlsplit(url)
    extension = re.search(r"\.[A-Za-z0-9]{1,5}\Z", parts.path)
    return f"{parts.scheme}://{parts.hostname or ''}/…{extension[0] if extension else ''}"[:500]
