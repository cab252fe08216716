"""The one place that speaks HTTP with the outside: sessions, time-outs, error mapping, redaction, the guard.

`Client` is for a provider's API (credentials, JSON, bounded answers). `open_link` is for addresses that an answer
named (no credentials, redirects checked one by one, streamed).
"""

import json as jsonlib
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

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
from exports.providers.wire import Exchange, exchanging, new_session

CONNECT_SECONDS: Final = 10.0
# Slow is not lost: a submit answered after half a minute must still be taken, so reading waits long.
READ_SECONDS: Final = 75.0
TOTAL_SECONDS: Final = 150.0
TOKEN_SECONDS: Final = 25.0
MOST_BYTES: Final = 8 * 1024 * 1024
MOST_REDIRECTS: Final = 5
MOST_PAUSE: Final = 3600.0
AGENT: Final = "export-portal/1"
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Answer:
    """A 2xx answer: `body` is the parsed JSON, None where there was none."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True)
class CallRecord:
    """One exchange as it may be shown: address without secrets, seconds it took, what went wrong."""

    method: str
    url: str
    status: int | None
    seconds: float
    error: str
    correlation: str


@dataclass
class Client:
    """Calls to one provider's API with one credential.

    `guard` says which addresses may be opened; `record` hears of every exchange; `before_send` is asked right before
    a request that makes something leaves, and may raise; `get_grant` fetches a token where it must be shared and
    kept (else the provider's own `authorise` does), `refused` is the one that was refused. `made` counts the calls,
    `head` are the headers of the last answer.
    """

    provider: Provider
    origin: str
    secrets: Mapping[str, str]
    guard: Guard
    dialect: str = ""
    session: requests.Session | None = None
    grant: Grant | None = None
    record: Callable[[CallRecord], None] = lambda call: None
    before_send: Callable[[], None] = lambda: None
    refused: str = field(default="", repr=False)
    get_grant: Callable[["Client"], Grant] | None = None
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
        correlation = uuid.uuid4().hex
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "X-Request-Id": correlation}
        if authorised:
            headers |= self.provider.headers(self)
        for _ in range(MOST_REDIRECTS + 1):
            self.guard.check(url)
            status, head, body = self._exchange(
                method,
                url,
                headers,
                correlation,
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
        url: str,
        headers: Mapping[str, str],
        correlation: str,
        json: Any,
        form: Mapping[str, str] | None,
        basic: tuple[str, str] | None,
        fresh: bool,
        seconds: float,
    ) -> tuple[int, Mapping[str, str], bytes]:
        begun = time.monotonic()
        self.made += 1
        status: int | None = None
        error = ""
        session = new_session(self.guard) if fresh or self.session is None else self.session
        try:
            with (
                exchanging(seconds, self.before_send if fresh else None) as exchange,
                session.request(
                    method,
                    url,
                    json=json,
                    data=form,
                    auth=basic,
                    headers={**headers, "User-Agent": AGENT},
                    timeout=(CONNECT_SECONDS, READ_SECONDS),
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                status, self.head = response.status_code, response.headers
                return status, response.headers, _bounded(response, self.provider.label)
        except ProviderError as problem:
            error = problem.message
            raise
        except (requests.RequestException, HTTPError, OSError) as problem:
            mapped = lost(problem, exchange, self.provider.label)
            error = mapped.message
            raise mapped from None
        finally:
            if session is not self.session:
                session.close()
            shown = self.scrub(url)
            self.record(CallRecord(method, shown, status, time.monotonic() - begun, self.scrub(error), correlation))

    def _read(self, status: int, head: Mapping[str, str], raw: bytes) -> Answer:
        try:
            body = _storable(raw) if raw.strip() else None
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

    def scrub(self, text: str) -> str:
        """The text without any secret of this credential."""
        plain = {secret.name for secret in self.provider.secrets if secret.plain}
        # "ApiKey KEY" is stored as it was pasted; the key alone must not show either.
        words = [
            word for name, value in self.secrets.items() if name not in plain for word in (value, *value.split()[-1:])
        ]
        hidden = [word for word in words if len(word) >= 6]
        if self.grant:
            hidden.append(self.grant.token)
        for value in hidden:
            text = text.replace(value, "***")
        return text


def _storable(raw: bytes) -> Any:
    """The JSON, without what no database takes: NUL, and half characters (a text that was cut inside an emoji)."""
    body = jsonlib.loads(raw)
    if b"\\u" in raw:
        plain = jsonlib.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        body = jsonlib.loads(plain.replace(b"\\u0000", b""))
    return body


def _bounded(response: requests.Response, label: str) -> bytes:
    """The whole body, bounded in size; a body that ends early is an answer lost."""
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_content(65536):
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
        return NotSentError(f"{label} could not be reached: no secure connection could be made.")
    timed_out = isinstance(problem, requests.Timeout) or exchange.overdue
    return UnclearError(f"{label} did not answer in time." if timed_out else f"The answer of {label} was cut off.")


def joined(url: str, location: str) -> str:
    """Where a redirect leads. Raises AddressError."""
    try:
        return requests.utils.requote_uri(urljoin(url, location))
    except (ValueError, requests.RequestException):
        raise AddressError("The redirect leads to something that is no address.") from None


def words_of(body: Any, depth: int = 0) -> str:
    """What an error body says for a person, at most 300 characters; tolerant of every shape seen."""
    if depth > 5:
        return ""
    if isinstance(body, list):
        return "; ".join(filter(None, (words_of(item, depth + 1) for item in body[:5])))[:300]
    if isinstance(body, dict):
        for key in ("message", "msg", "error", "detail", "error_description"):
            value = body.get(key)
            if value:
                return words_of(value, depth + 1)
        return ""
    if not isinstance(body, (str, int, float)):
        return ""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", str(body)).strip()[:300]


def pause_seconds(head: Mapping[str, str], now: float | None = None) -> float:
    """Seconds to wait after a 429: Retry-After (RFC 9110 §10.2.3), X-RateLimit-Reset (epoch seconds), else 60."""
    now = time.time() if now is None else now
    seconds: float | None = None
    said = head.get("Retry-After", "").strip()
    if said:
        try:
            seconds = float(said)
        except ValueError:
            try:
                seconds = parsedate_to_datetime(said).timestamp() - now
            except (ValueError, TypeError):
                seconds = None
    if seconds is None:
        try:
            reset = float(head.get("X-RateLimit-Reset", ""))
        except ValueError:
            reset = 0.0
        # A value that is no epoch is seconds to wait; its unit is not documented everywhere.
        seconds = reset - now if reset > 1_000_000_000 else reset or None
    if seconds is None or seconds != seconds:
        seconds = 60.0
    return min(max(seconds, 1.0), MOST_PAUSE)


_sessions: dict[tuple[str, str], requests.Session] = {}
_lock = threading.Lock()


def shared_session(key: str, guard: Guard) -> requests.Session:
    """The session that steps of one credential share (connections kept alive)."""
    with _lock:
        if len(_sessions) > 500:
            _sessions.clear()
        return _sessions.setdefault((key, ",".join(sorted(guard.private))), new_session(guard))
