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

from exports.transport.connections import (
    Exchange,
    GuardedSession,
    certificate_problem,
    new_correlation_id,
    new_session,
    track_exchange,
)
from exports.transport.errors import (
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
from exports.transport.provider_api import Grant, Service
from exports.transport.redact import redact, secret_variants
from exports.transport.responses import error_text, parse_json, retry_after_seconds
from exports.transport.ssrf import AddressGuard

CONNECT_SECONDS: Final = 10.0
# Slow is not lost: a submit answered after half a minute must still be taken, so reading waits long.
READ_SECONDS: Final = 75.0
TIMEOUT: Final = Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
TOTAL_SECONDS: Final = 150.0
TOKEN_SECONDS: Final = 25.0
MAX_BYTES: Final = 8 * 1024 * 1024
MAX_REDIRECTS: Final = 5
# What a gateway says when nobody behind it does.
GATEWAY_STATUSES: Final = frozenset({502, 503, 504})
USER_AGENT: Final = "export-portal/1"
REDIRECT_STATUSES: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class ApiResponse:
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
    unreachable: bool = False


@dataclass
class Client:
    """Calls to one provider's API with one credential.

    `guard` says which addresses may be opened; `record` hears of every exchange; `before_send` is asked right before
    a request that makes something leaves, and may raise; `get_grant` fetches a token where it must be shared and
    kept (else the provider's own `authorise` does), `refused` is the one that was refused. `patience`: seconds that an
    answer may take, where that is less than usual. `made` counts the calls, `head` are the headers of the last answer.
    """

    provider: Service
    origin: str
    secrets: Mapping[str, str]
    guard: AddressGuard
    dialect: str = ""
    session: GuardedSession | None = None
    grant: Grant | None = None
    record_call: Callable[[CallRecord], None] = lambda call: None
    before_send: Callable[[], None] = lambda: None
    rejected_token: str = field(default="", repr=False)
    get_grant: Callable[["Client"], Grant] | None = None
    patience: float | None = None
    call_count: int = 0
    last_headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        return f"Client({self.provider.slug}, {self.origin})"

    def token(self) -> str:
        """The short-lived token, fetched when there is none or it is about to end."""
        if self.grant is None or self.grant.expires_at < time.time() + 60:
            try:
                self.grant = self.get_grant(self) if self.get_grant else self.provider.fetch_token(self)
            except UnclearError as error:
                # The call that needed the token has not left.
                raise NotSentError(f"No token could be had: {error.message}", code=error.code) from None
            self.secrets = {**self.secrets, **self.grant.secrets}
        return self.grant.token

    def forget_token(self) -> None:
        """The provider refused the token: the next call fetches another."""
        self.rejected_token, self.grant = self.grant.token if self.grant else "", None

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> ApiResponse:
        """GET below the origin."""
        return self._call("GET", path, params=params)

    def post(self, path: str, json: Any = None, *, creates: bool = False) -> ApiResponse:
        """POST of JSON (None: no body). `makes`: it makes something, so it goes out on a connection of its own.

        A kept-alive connection that the server just closed looks the same as an answer that was lost; a new one
        either connects or provably carried nothing.
        """
        return self._call("POST", path, json=json, makes=creates)

    def post_form(self, path: str, form: Mapping[str, str], basic: tuple[str, str]) -> ApiResponse:
        """POST of a form with HTTP Basic, as token endpoints want it (RFC 6749 §2.3.1)."""
        return self._call("POST", path, form=form, basic=basic, authorised=False)

    def post_unauthenticated(self, path: str, json: Any) -> ApiResponse:
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
    ) -> ApiResponse:
        url = self.origin.rstrip("/") + path + ("?" + urlencode(params) if params else "")
        number = new_correlation_id()
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "X-Request-Id": number}
        if authorised:
            headers |= self.provider.headers(self)
        for _ in range(MAX_REDIRECTS + 1):
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
            if status not in REDIRECT_STATUSES:
                return self._read(status, head, body)
            target = resolve_redirect(url, head.get("location", ""))
            if method != "GET":
                raise UnclearError(f"{self.provider.label} answered with a redirect.", provider_status=str(status))
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
        self.call_count += 1
        status: int | None = None
        error, down = "", False
        session = new_session(self.guard) if fresh or self.session is None else self.session
        body = None
        sent = {**headers, "User-Agent": USER_AGENT}
        if json is not None:
            body, sent["Content-Type"] = jsonlib.dumps(json, allow_nan=False).encode(), "application/json"
        elif form is not None:
            body, sent["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
        if basic is not None:
            sent["Authorization"] = make_headers(basic_auth=":".join(basic))["authorization"]
        try:
            with (
                track_exchange(seconds, self.before_send if fresh else None) as exchange,
                session.send_request(method, parts, body, sent, TIMEOUT) as response,
            ):
                status, self.last_headers = response.status, response.headers
                body_read = _bounded(response, self.provider.label)
                if exchange.timed_out:  # what was cut off by us can look like a short answer
                    raise UnclearError(f"{self.provider.label} did not answer in time.")
                return status, response.headers, body_read
        except ProviderError as problem:
            error = problem.message
            raise
        except (HTTPError, OSError) as problem:
            mapped = error_from_exception(problem, exchange, self.provider.label)
            impatient = self.patience is not None and exchange.connected and exchange.timed_out
            error = mapped.message
            down = status is None and not impatient and not isinstance(mapped, AddressError)
            raise mapped from None
        finally:
            if session is not self.session:
                session.close()
            shown, seconds, down = (
                self.redact(parts.geturl()),
                time.monotonic() - begun,
                down or status in GATEWAY_STATUSES,
            )
            self.record_call(CallRecord(method, shown, status, seconds, self.redact(error), number, down))

    def _read(self, status: int, head: Mapping[str, str], raw: bytes) -> ApiResponse:
        try:
            body = parse_json(raw) if raw.strip() else None
            readable = True
        except (ValueError, RecursionError):
            body, readable = None, False
        label = self.provider.label
        problem = self.provider.error_from_response(status, body)
        if problem is not None:
            problem.message = self.redact(problem.message)
            problem.args = (problem.message,)  # What a traceback shows.
            if isinstance(problem, BusyError) and head.get("Retry-After"):
                problem.seconds = retry_after_seconds(head)
            raise problem
        if 200 <= status < 300:
            if not readable:
                raise UnreadableError(f"{label} answered with something that is not JSON.", provider_status=str(status))
            return ApiResponse(status, body, head)
        said = self.redact(error_text(body))
        sentence = f"{label} answered {status}" + (f": {said}" if said else ".")
        word = str(status)
        if status == 429:
            raise BusyError(sentence, seconds=retry_after_seconds(head), pause=True)
        if status in (401, 403):
            raise CredentialError(sentence, renewable=status == 401, provider_status=word)
        if status in (404, 410):
            raise NotFoundError(sentence, provider_status=word)
        if status in (408, 423, 425):
            raise BusyError(sentence, seconds=15, provider_status=word)
        if 400 <= status < 500:
            raise RefusedError(sentence, provider_status=word)
        raise UnclearError(sentence, provider_status=word)

    def values_to_redact(self) -> list[str]:
        """What must not be seen of this credential."""
        plain = {secret.name for secret in self.provider.secrets if secret.is_public}
        tokens = filter(None, (self.grant.token if self.grant else "", self.rejected_token))
        return secret_variants([*(value for name, value in self.secrets.items() if name not in plain), *tokens])

    def redact(self, text: str) -> str:
        """The text without any secret of this credential."""
        return redact(self.values_to_redact(), text)


def _bounded(response: BaseHTTPResponse, label: str) -> bytes:
    """The whole body, bounded in size, unpacked if it came packed; a body that ends early is an answer lost."""
    chunks: list[bytes] = []
    size = 0
    for chunk in response.stream(65536, decode_content=True):
        size += len(chunk)
        if size > MAX_BYTES:
            raise UnreadableError(f"{label} answered with more than {MAX_BYTES // 1024 // 1024} MB.")
        chunks.append(chunk)
    return b"".join(chunks)


def error_from_exception(problem: Exception, exchange: Exchange, label: str) -> ProviderError:
    """What a broken exchange means: nothing sent, or sent and the answer lost."""
    if exchange.connect_error is not None:
        return exchange.connect_error
    if not exchange.connected:
        why = certificate_problem(problem) or "no secure connection could be made"
        return NotSentError(f"{label} could not be reached: {why}.")
    timed_out = isinstance(problem, requests.Timeout | TimeoutError | TimedOutError) or exchange.timed_out
    what = "did not answer in time" if timed_out else "was cut off before its answer was whole"
    return UnclearError(f"{label} {what}.")


def resolve_redirect(url: str, location: str) -> str:
    """Where a redirect leads. Raises AddressError."""
    try:
        return requests.utils.requote_uri(urljoin(url, location))
    except (ValueError, requests.RequestException):
        raise AddressError("The redirect leads to something that is no address.") from None
