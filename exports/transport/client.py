"""The client of a provider's API: authorisation, JSON, bounded answers, redirects, time limits, errors, the call log.

It sends on `ApiSession` (connections.py). Addresses that an answer names (links to files) are opened by open_url.py
instead, without credentials.
"""

import base64
import json as jsonlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import SplitResult, urlencode

from exports.transport.calls import ApiResponse, CallRecord
from exports.transport.connections import ApiSession, error_from_exception, new_correlation_id, track_exchange
from exports.transport.content_coding import Body
from exports.transport.cookies import HostCookies
from exports.transport.errors import (
    AddressError,
    BusyError,
    ContentCodingError,
    NotSentError,
    ProviderError,
    RefusedError,
    UnclearError,
    UnreadableError,
)
from exports.transport.origins import is_below
from exports.transport.proofs import is_final_refusal, is_page
from exports.transport.provider_api import CreationAnswer, Grant, Service
from exports.transport.redact import redact, redact_in
from exports.transport.redirects import MAX_REDIRECTS, REDIRECT_STATUSES, resolve_redirect
from exports.transport.responses import MAX_ERROR_BYTES, error_of_status, error_text, read_json, retry_after_seconds
from exports.transport.ssrf import AddressGuard

TOTAL_SECONDS: Final = 150.0
TOKEN_SECONDS: Final = 25.0
# A text of so many letters takes four bytes for each, twice, while it is read.
MAX_BYTES: Final = 5 * 1024 * 1024
# A gateway answers with these when the server behind it does not answer.
GATEWAY_STATUSES: Final = frozenset({502, 503, 504})
PUBLIC_HEADERS: Final = frozenset({"accept", "content-type", "user-agent"})
MIN_SECRET_HEADER: Final = 16
USER_AGENT: Final = "export-portal/1"
__all__ = ["ApiResponse", "CallRecord", "Client"]


@dataclass
class Client:
    """Calls to one provider's API with one credential.

    `guard` decides which addresses may be opened. `session` holds the connections that are kept alive; without one,
    each call makes its own. `record_call` is called after every exchange. `before_send` is called right before a
    request that creates something is sent, and may raise. `get_grant` fetches a token where tokens are shared and
    stored (default: `provider.fetch_token`); `rejected_token` is the one that the provider refused. `patience`:
    seconds after which an exchange is aborted, where that is less than usual; `give_up_at`: monotonic time of the same.
    `creation`: the answer to the last request that creates something, as far as it came. `call_count` counts exchanges,
    `last_headers` are the headers of the last answer. `former_secrets`: what else was sent and must not be shown.
    `cookies`: those that answers have set, where the provider declares `keeps_cookies`.
    """

    provider: Service
    origin: str
    secrets: Mapping[str, str]
    guard: AddressGuard
    dialect: str = ""
    session: ApiSession | None = None
    grant: Grant | None = None
    record_call: Callable[[CallRecord], None] = lambda call: None
    before_send: Callable[[], None] = lambda: None
    rejected_token: str = field(default="", repr=False)
    get_grant: Callable[["Client"], Grant] | None = None
    patience: float | None = None
    give_up_at: float | None = None
    creation: CreationAnswer | None = field(default=None, repr=False)
    call_count: int = 0
    former_secrets: set[str] = field(default_factory=set, repr=False)
    last_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: HostCookies = field(default_factory=HostCookies, repr=False)

    def __repr__(self) -> str:
        return f"Client({self.provider.slug}, {self.origin})"

    def token(self) -> str:
        """The short-lived token, fetched when there is none or it expires within 60 s. Raises ProviderError."""
        if self.grant is None or self.grant.expires_at < time.time() + 60:
            try:
                self.grant = self.get_grant(self) if self.get_grant else self.provider.fetch_token(self)
            except UnclearError as error:
                # The call that needs the token has not been sent.
                raise NotSentError(f"No token could be had: {error.message}", code=error.code) from None
            self.former_secrets.update(self._secret_values())
            self.secrets = {**self.secrets, **self.grant.secrets}
        return self.grant.token

    def forget_token(self) -> None:
        """Drops the token after the provider refused it; the next call fetches another."""
        self.rejected_token, self.grant = self.grant.token if self.grant else "", None

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> ApiResponse:
        """Sends GET to a path below the origin. Raises ProviderError, like all calls."""
        return self._call("GET", path, params=params)

    def head(self, path: str, params: Mapping[str, Any] | None = None) -> ApiResponse:
        """Sends HEAD to a path below the origin, where only headers say something; the answer's body is None."""
        return self._call("HEAD", path, params=params)

    def delete(self, path: str) -> ApiResponse:
        """Sends DELETE to a path below the origin, as when a provider is cleaned up."""
        return self._call("DELETE", path)

    def post(self, path: str, json: Any = None, *, creates: bool = False) -> ApiResponse:
        """Sends POST with JSON (None: no body). `creates`: the request creates something at the provider.

        A request that creates nothing, as where a status is asked for by POST, goes out as a GET does.

        Such a request goes out on a new connection. On a kept-alive one that the server has just closed, a failure
        looks the same as a lost answer; a new connection either fails before anything is sent or carries the request.
        """
        return self._call("POST", path, json=json, creates=creates)

    def post_form(self, path: str, form: Mapping[str, str], basic: tuple[str, str]) -> ApiResponse:
        """Sends POST with a form and HTTP Basic, as token endpoints require (RFC 6749 §2.3.1)."""
        return self._call("POST", path, form=form, basic=basic, authorised=False)

    def post_unauthenticated(self, path: str, json: Any) -> ApiResponse:
        """Sends POST with JSON and without authorisation (token endpoints)."""
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
        creates: bool = False,
    ) -> ApiResponse:
        url = self.origin.rstrip("/") + path + ("?" + urlencode(params) if params else "")
        correlation_id = new_correlation_id()
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "X-Request-Id": correlation_id}
        if authorised:
            headers |= self.remember_sent(self.provider.headers(self))
        body, body_headers = _encode_body(json, form)
        headers |= {"User-Agent": USER_AGENT, **body_headers}
        if basic is not None:
            headers["Authorization"] = f"Basic {base64.b64encode(':'.join(basic).encode()).decode()}"
            self.former_secrets |= {":".join(basic), headers["Authorization"]}
        seconds = TOTAL_SECONDS if authorised else TOKEN_SECONDS
        for _ in range(MAX_REDIRECTS + 1):
            parts = self.guard.check(url)
            sent = {**headers, **self.cookies.header(url)}
            status, answer_headers, answer = self._exchange(method, parts, sent, body, correlation_id, creates, seconds)
            if status not in REDIRECT_STATUSES:
                try:
                    return self._parse_answer(status, answer_headers, answer)
                except RefusedError as problem:
                    problem.answers_creation = creates
                    problem.final = is_final_refusal(status, answer, self.provider.is_own_error)
                    problem.is_page = is_page(answer)
                    raise
            if method not in ("GET", "HEAD"):
                raise UnclearError(f"{self.provider.label} answered with a redirect.", provider_status=str(status))
            target = resolve_redirect(url, answer_headers.get("location", ""))
            self.guard.check(target)
            if not is_below(self.origin, target):
                raise AddressError(f"{self.provider.label} redirects to another host; the portal does not follow.")
            url = target
        raise AddressError(f"{self.provider.label} redirects in circles.")

    def _exchange(
        self,
        method: str,
        parts: SplitResult,
        headers: Mapping[str, str],
        body: bytes | None,
        correlation_id: str,
        creates: bool,
        max_seconds: float,
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Sends one request. Returns status, headers and body of the answer, and records the call in any case."""
        started = time.monotonic()
        self.call_count += 1
        status: int | None = None
        error, unreachable = "", False
        session = ApiSession(self.guard) if creates or self.session is None else self.session
        self.creation = None if creates else self.creation
        try:
            with (
                track_exchange(self._seconds_left(max_seconds), self.before_send if creates else None) as exchange,
                session.send_request(exchange, method, parts, body, headers) as response,
            ):
                status, self.last_headers = response.status, response.headers
                if self.provider.keeps_cookies:
                    self.cookies.read(parts.geturl(), response.headers)
                    self.former_secrets |= {value for value in self.cookies.values() if len(value) >= MIN_SECRET_HEADER}
                if creates:
                    self.creation = CreationAnswer(status, response.headers)
                answer = Body(response).read_all(MAX_BYTES)
                if creates:
                    self.creation = CreationAnswer(status, response.headers, answer)
                if exchange.timed_out:  # An answer that the portal cut off can look like a short one.
                    raise UnclearError(f"{self.provider.label} did not answer in time.")
                return status, response.headers, answer
        except ContentCodingError as problem:
            error = f"{self.provider.label} sent an answer that cannot be read. {problem.message}"
            raise UnreadableError(error) from None
        except ProviderError as problem:
            error = problem.message
            # Also where a name leads inside: else the circuit breaker would say which names do.
            unreachable = isinstance(problem, NotSentError)
            raise
        except (HTTPException, OSError) as problem:
            mapped = error_from_exception(problem, exchange, self.provider.label)
            # A server that was only given less time than usual counts as reachable.
            cut_short = self.patience is not None and exchange.connected and exchange.timed_out
            error = mapped.message
            unreachable = status is None and not cut_short
            raise mapped from None
        finally:
            if session is not self.session:
                session.close()
            seconds = time.monotonic() - started
            unreachable = unreachable or status in GATEWAY_STATUSES
            url, error = self.redact(parts.geturl()), self.redact(error)
            self.record_call(CallRecord(method, url, status, seconds, error, correlation_id, unreachable))

    def _seconds_left(self, max_seconds: float) -> float:
        """How long an exchange that begins now may take, when `max_seconds` is usual."""
        left = max_seconds if self.give_up_at is None else self.give_up_at - time.monotonic()
        return max(min(max_seconds, self.patience or max_seconds, left), 0.0)

    def _parse_answer(self, status: int, headers: Mapping[str, str], raw: bytes) -> ApiResponse:
        """The answer if it is a readable 2xx; else raises the error that it means."""
        body, unreadable = read_json(raw)
        label = self.provider.label
        # What an error says is masked before anything cuts it: of a secret that was cut, a part would stay.
        is_error = not 200 <= status < 300 or self.provider.error_from_response(status, body) is not None
        if is_error:
            body = redact_in(self.values_to_redact(), body) if len(raw) <= MAX_ERROR_BYTES else None
        problem = self.provider.error_from_response(status, body) if is_error else None
        if self.provider.rate_headers.is_slow_down(status, headers):
            problem = None  # Its headers say more than its words.
        if problem is not None:
            problem.message = self.redact(problem.message)
            problem.args = (problem.message,)  # Tracebacks show these.
            if isinstance(problem, BusyError) and headers.get("Retry-After"):
                problem.seconds = retry_after_seconds(headers, first=self.provider.rate_headers.reset)
            raise problem
        word = str(status)
        if 200 <= status < 300:
            if unreadable:
                raise UnreadableError(f"{label} answered with {unreadable}.", provider_status=word)
            return ApiResponse(status, body, headers)
        reason = self.redact(error_text(body))
        sentence = f"{label} answered {status}" + (f": {reason}" if reason else ".")
        raise error_of_status(status, sentence, headers, self.provider.rate_headers)

    def error_of(self, status: int, headers: Mapping[str, str], raw: bytes) -> ProviderError | None:
        """The error that an answer from below the origin means, as of a file's address; None for a 2xx."""
        if 200 <= status < 300:
            return None
        try:
            self._parse_answer(status, headers, raw)
        except ProviderError as problem:
            if isinstance(problem, RefusedError):
                problem.final = is_final_refusal(status, raw, self.provider.is_own_error)
                problem.is_page = is_page(raw)
            return problem
        return None

    def remember_sent(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers, which are masked from now on.

        They may hold more than the secrets themselves: a signature, several of them encoded together.
        """
        self.former_secrets |= {
            value
            for name, value in headers.items()
            if len(value) >= MIN_SECRET_HEADER and name.lower() not in PUBLIC_HEADERS
        }
        return dict(headers)

    def values_to_redact(self) -> tuple[str, ...]:
        """The secrets of this credential, its tokens, and what was sent of them, without what may be shown."""
        tokens = {self.grant.token if self.grant else "", self.rejected_token}
        return tuple(sorted((self._secret_values() | tokens | self.former_secrets) - {""}))

    def _secret_values(self) -> set[str]:
        public = {secret.name for secret in self.provider.secrets if secret.is_public}
        return {value for name, value in self.secrets.items() if name not in public}

    def redact(self, text: str) -> str:
        """The text with the secrets of this credential masked."""
        return redact(self.values_to_redact(), text)


def _encode_body(json: Any, form: Mapping[str, str] | None) -> tuple[bytes | None, dict[str, str]]:
    """The body of a request, None for none, and the headers that describe it."""
    if json is not None:
        return jsonlib.dumps(json, allow_nan=False).encode(), {"Content-Type": "application/json"}
    if form is not None:
        return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    return None, {}
