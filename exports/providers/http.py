"""The one place that speaks HTTP with the outside: sessions, time-outs, error mapping, redaction, the guard.

`Client` is for a provider's API (credentials, JSON, bounded answers). `open_link` is for addresses that an answer
named (no credentials, redirects checked one by one, streamed).
"""

import json as jsonlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

import requests
from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as TimedOutError
from urllib3.util import make_headers

from exports.providers.base import Grant, Provider
from exports.providers.errors import (
    AddressError,
    BusyError,
    CredentialError,
    NotFoundError,
    NotSentError,
    ProviderError,
    RefusedError,
    UnclearError,
    UnreadableError,
)
from exports.providers.guard import Guard
from exports.providers.hide import hide, spellings
from exports.providers.reply import pause_seconds, storable, words_of
from exports.providers.wire import Exchange, Session, bad_certificate, correlation, exchanging, new_session

CONNECT_SECONDS: Final = 10.0
# Slow is not lost: a submit answered after half a minute must still be taken, so reading waits long.
READ_SECONDS: Final = 75.0
TIMEOUT: Final = Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
TOTAL_SECONDS: Final = 150.0
TOKEN_SECONDS: Final = 25.0
MOST_BYTES: Final = 8 * 1024 * 1024
MOST_REDIRECTS: Final = 5
# What a gateway says when nobody behind it does.
GATEWAY: Final = frozenset({502, 503, 504})
AGENT: Final = "export-portal/1"
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Answer:
    """A 2xx answer: `body` is the parsed JSON, None where there was none."""

    status: int
    body: Any = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class CallRecord:
    """One exchange as it may be shown: address without secrets, seconds it took, what went wrong.

    `down`: nobody answered there, or a gateway said that nobody does.
    """

    method: str
    url: str
    status: int | None
    seconds: float
    error: str
    correlation: str
    down: bool = False


@dataclass
class Client:
    """Calls to one provider's API with one credential.

    `guard` says which addresses may be opened; `record` hears of every exchange; `before_send` is asked right before
    a request that makes something leaves, and may raise; `get_grant` fetches a token where it must be shared and
    kept (else the provider's own `authorise` does), `refused` is the one that was refused. `patience`: seconds that an
    answer may take, where that is less than usual. `made` counts the calls, `head` are the headers of the last answer.
    """

    provider: Provider
    origin: str
    secrets: Mapping[str, str]
    guard: Guard
    dialect: str = ""
    session: Session | None = None
    grant: Grant | None = None
    record: Callable[[CallRecord], None] = lambda call: None
    before_send: Callable[[], None] = lambda: None
    refused: str = field(default="", repr=False)
    get_grant: Callable[["Client"], Grant] | None = None
    patience: float | None = None
    made: int = 0
    head: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        return f"Client({self.provider.slug}, {self.origin})"

    def token(self) -> str:
        """The short-lived token, fetched when there is none or it is about to end."""
        if self.grant is None or self.grant.expires_at < time.time() + 60:
            try:
                self.grant = self.get_grant(self) if self.get_grant else self.provider.authorise(self)
            except UnclearError as error:
                # The call that needed the token has not left.
                raise NotSentError(f"No token could be had: {error.message}", code=error.code) from None
            self.secrets = {**self.secrets, **self.grant.secrets}
        return self.grant.token

    def forget_token(self) -> None:
        """The provider refused the token: the next call fetches another."""
        self.refused, self.grant = self.grant.token if self.grant else "", None

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        """GET below the origin."""
        return self._call("GET", path, params=params)

    def post(self, path: str, json: Any = None, *, makes: bool = False) -> Answer:
        """POST of JSON (None: no body). `makes`: it makes something, so it goes out on a connection of its own.

        A kept-alive connection that the server just closed looks the same as an answer that was lost; a new one
        either connects or provably carried nothing.
        """
        return self._call("POST", path, json=json, makes=makes)

    def post_form(self, path: str, form: Mapping[str, str], basic: tuple[str, str]) -> Answer:
        """POST of a form with HTTP Basic, as token endpoints want it (RFC 6749 §2.3.1)."""
        return self._call("POST", path, form=form, basic=basic, authorised=False)

    def post_open(self, path: str, json: Any) -> Answer:
        """POST of JSON without authorisation (token endpoints)."""
        return self._call("POST", path, json=json, authorised=False)

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
        authorised: bool = True,
        makes: bool = False,
    ) -> Answer:
        url = self.origin.rstrip("/") + path + ("?" + urlencode(params) if params else "")
        number = correlation()
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "X-Request-Id": number}
        if authorised:
            headers |= self.provider.headers(self)
        for _ in range(MOST_REDIRECTS + 1):
            status, head, body = self._exchange(
                method,
                self.guard.check(url),
                headers,
                number,
                json,
                form,
                basic,
                makes,
                TOTAL_SECONDS if authorised else TOKEN_SECONDS,
            )
            if status not in REDIRECTS:
                return self._read(status, head, body)
            target = joined(url, head.get("location", ""))
            if method != "GET":
                raise UnclearError(f"{self.provider.label} answered with a redirect.", word=str(status))
            if urlsplit(target)[:2] != urlsplit(url)[:2]:
                raise AddressError(f"{self.provider.label} redirects to another host; the portal does not follow.")
            url = target
        raise AddressError(f"{self.provider.label} redirects in circles.")

    def _exchange(
        self,
        method: str,
        parts: SplitResult,
        headers: Mapping[str, str],
        number: str,
        json: Any,
        form: Mapping[str, str] | None,
        basic: tuple[str, str] | None,
        fresh: bool,
        seconds: float,
    ) -> tuple[int, Mapping[str, str], bytes]:
        begun = time.monotonic()
        seconds = min(seconds, self.patience or seconds)
        self.made += 1
        status: int | None = None
        error, down = "", False
        session = new_session(self.guard) if fresh or self.session is None else self.session
        body = None
        sent = {**headers, "User-Agent": AGENT}
        if json is not None:
            body, sent["Content-Type"] = jsonlib.dumps(json, allow_nan=False).encode(), "application/json"
        elif form is not None:
            body, sent["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
        if basic is not None:
            sent["Authorization"] = make_headers(basic_auth=":".join(basic))["authorization"]
        try:
            with (
                exchanging(seconds, self.before_send if fresh else None) as exchange,
                session.exchange(method, parts, body, sent, TIMEOUT) as response,
            ):
                status, self.head = response.status, response.headers
                body_read = _bounded(response, self.provider.label)
                if exchange.overdue:  # what was cut off by us can look like a short answer
                    raise UnclearError(f"{self.provider.label} did not answer in time.")
                return status, response.headers, body_read
        except ProviderError as problem:
            error = problem.message
            raise
        except (HTTPError, OSError) as problem:
            mapped = lost(problem, exchange, self.provider.label)
            impatient = self.patience is not None and exchange.connected and exchange.overdue
            error = mapped.message
            down = status is None and not impatient and not isinstance(mapped, AddressError)
            raise mapped from None
        finally:
            if session is not self.session:
                session.close()
            shown, seconds, down = self.scrub(parts.geturl()), time.monotonic() - begun, down or status in GATEWAY
            self.record(CallRecord(method, shown, status, seconds, self.scrub(error), number, down))

    def _read(self, status: int, head: Mapping[str, str], raw: bytes) -> Answer:
        try:
            body = storable(raw) if raw.strip() else None
            readable = True
        except (ValueError, RecursionError):
            body, readable = None, False
        label = self.provider.label
        problem = self.provider.fault(status, body)
        if problem is not None:
            problem.message = self.scrub(problem.message)
            problem.args = (problem.message,)  # What a traceback shows.
            if isinstance(problem, BusyError) and head.get("Retry-After"):
                problem.seconds = pause_seconds(head)
            raise problem
        if 200 <= status < 300:
            if not readable:
                raise UnreadableError(f"{label} answered with something that is not JSON.", word=str(status))
            return Answer(status, body, head)
        said = self.scrub(words_of(body))
        sentence = f"{label} answered {status}" + (f": {said}" if said else ".")
        word = str(status)
        if status == 429:
            raise BusyError(sentence, seconds=pause_seconds(head), pause=True)
        if status in (401, 403):
            raise CredentialError(sentence, renewable=status == 401, word=word)
        if status in (404, 410):
            raise NotFoundError(sentence, word=word)
        if status in (408, 423, 425):
            raise BusyError(sentence, seconds=15, word=word)
        if 400 <= status < 500:
            raise RefusedError(sentence, word=word)
        raise UnclearError(sentence, word=word)

    def hidden(self) -> list[str]:
        """What must not be seen of this credential."""
        plain = {secret.name for secret in self.provider.secrets if secret.plain}
        tokens = filter(None, (self.grant.token if self.grant else "", self.refused))
        return spellings([*(value for name, value in self.secrets.items() if name not in plain), *tokens])

    def scrub(self, text: str) -> str:
        """The text without any secret of this credential."""
        return hide(self.hidden(), text)


def _bounded(response: BaseHTTPResponse, label: str) -> bytes:
    """The whole body, bounded in size, unpacked if it came packed; a body that ends early is an answer lost."""
    chunks: list[bytes] = []
    size = 0
    for chunk in response.stream(65536, decode_content=True):
        size += len(chunk)
        if size > MOST_BYTES:
            raise UnreadableError(f"{label} answered with more than {MOST_BYTES // 1024 // 1024} MB.")
        chunks.append(chunk)
    return b"".join(chunks)


def lost(problem: Exception, exchange: Exchange, label: str) -> ProviderError:
    """What a broken exchange means: nothing sent, or sent and the answer lost."""
    if exchange.refused is not None:
        return exchange.refused
    if not exchange.connected:
        why = bad_certificate(problem) or "no secure connection could be made"
        return NotSentError(f"{label} could not be reached: {why}.")
    timed_out = isinstance(problem, requests.Timeout | TimeoutError | TimedOutError) or exchange.overdue
    what = "did not answer in time" if timed_out else "was cut off before its answer was whole"
    return UnclearError(f"{label} {what}.")


def joined(url: str, location: str) -> str:
    """Where a redirect leads. Raises AddressError."""
    try:
        return requests.utils.requote_uri(urljoin(url, location))
    except (ValueError, requests.RequestException):
        raise AddressError("The redirect leads to something that is no address.") from None
