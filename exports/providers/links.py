"""Opening addresses that a stranger named: without credentials, redirects checked one by one, streamed."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from exports.providers.errors import AddressError, ProviderError
from exports.providers.guard import Guard
from exports.providers.http import AGENT, CONNECT_SECONDS, MOST_REDIRECTS, READ_SECONDS, REDIRECTS, CallRecord, lost
from exports.providers.wire import Exchange, exchanging, new_session


@dataclass
class Link:
    """An opened link: status, headers and the body as it comes. `hosts` it went through, for the record."""

    status: int
    headers: Mapping[str, str]
    response: requests.Response
    exchange: Exchange

    def chunks(self, size: int) -> Iterator[bytes]:
        """Pieces as they arrive (at most `size` bytes each), decoded when the server encoded them unasked."""
        decode = bool(self.headers.get("Content-Encoding"))
        raw = self.response.raw
        while True:
            piece = raw.read(size, decode_content=True) if decode else raw.read1(size)
            if not piece:
                return
            yield piece


@contextmanager
def open_link(
    url: str,
    guard: Guard,
    headers: Mapping[str, str],
    record: Callable[[CallRecord], None],
    *,
    method: str = "GET",
    json: Any = None,
    seconds: float | None = None,
) -> Iterator[Link]:
    """Opens an address a stranger named: without credentials, at most five redirects, each checked.

    Raises AddressError, NotSentError, UnclearError. Any final status comes back as it is.
    """
    for _ in range(MOST_REDIRECTS + 1):
        guard.check(url)
        begun = time.monotonic()
        correlation = uuid.uuid4().hex
        status: int | None = None
        error = ""
        session = new_session(guard)
        exchange: Exchange | None = None
        try:
            with exchanging(seconds) as exchange:
                response = session.request(
                    method,
                    url,
                    json=json,
                    headers={"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": AGENT, **headers},
                    timeout=(CONNECT_SECONDS, READ_SECONDS),
                    allow_redirects=False,
                    stream=True,
                )
                status = response.status_code
                if status in REDIRECTS and response.headers.get("Location"):
                    url = urljoin(url, response.headers["Location"])
                    response.close()
                    continue
                with response:
                    yield Link(status, response.headers, response, exchange)
                return
        except ProviderError as problem:
            error = problem.message
            raise
        except (requests.RequestException, HTTPError, ConnectionError, TimeoutError) as problem:
            mapped = lost(problem, exchange or Exchange(), "The file's host")
            error = mapped.message
            raise mapped from None
        finally:
            session.close()
            record(CallRecord(method, shown_link(url), status, time.monotonic() - begun, error, correlation))
    raise AddressError("The link redirects more than five times.")


def shown_link(url: str) -> str:
    """A link as it may be shown: a link to a file is a secret, so only its host and last name stay."""
    parts = urlsplit(url)
    name = parts.path.rpartition("/")[2]
    return f"{parts.scheme}://{parts.hostname or ''}/…/{name}"[:500]
