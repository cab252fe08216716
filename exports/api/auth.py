"""Bearer tokens: which member is calling, whether the token may write, and how often."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from exports.http import throttling
from exports.http.unavailable import try_to_write
from exports.models import Member, Token
from exports.models.token import WRITE

# `used_at` shows people whether a token is in use; it need not be written for each request.
USED_AT_INTERVAL: Final = timedelta(minutes=1)
READ_METHODS: Final = frozenset({"GET", "HEAD"})


ADVICE: Final = "Create a new one in your profile."


class EndedTokenError(Exception):
    """The token was revoked or has expired; the text says which, and when."""


@dataclass(frozen=True)
class Caller:
    """Who is calling: a member of one team, by a token of this scope."""

    member: Member
    scope: str


class ApiRequest(HttpRequest):
    """A request with a valid token."""

    auth: Caller


class Bearer(HttpBearer):
    """Authenticates the portal's tokens. One that is revoked, expired or of an inactive user is not valid."""

    def __call__(self, request: HttpRequest) -> Caller | None:
        """Returns the caller, or None. Raises PermissionDenied for a write with a read token, ThrottledError."""
        caller: Caller | None = super().__call__(request)
        if caller is None and (seconds := throttling.ANONYMOUS.acquire(throttling.client_key(request))):
            raise _anonymous_throttled(seconds)
        return caller

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        """Returns the caller for a token, or None. Raises the same errors as `__call__`."""
        digest = Token.digest_of(token.strip())
        rate = throttling.TOKEN_READS if request.method in READ_METHODS else throttling.TOKEN_WRITES
        # A token that was valid recently is not throttled for failed guesses by others at the same address.
        if not (throttling.TOKEN_READS.has_seen(digest) or throttling.TOKEN_WRITES.has_seen(digest)):
            if seconds := throttling.ANONYMOUS.seconds_to_wait(throttling.client_key(request)):
                raise _anonymous_throttled(seconds)
        elif seconds := rate.seconds_to_wait(digest):
            raise _token_throttled(rate, seconds)
        row = _valid_token(digest)
        if row is None:
            _refuse_ended_token(digest, request)
            return None
        if seconds := rate.acquire(digest):
            raise _token_throttled(rate, seconds)
        _record_use(row)
        if request.method not in READ_METHODS and row.scope != WRITE:
            raise PermissionDenied("This token may only read. Use a token with scope write.")
        return Caller(row.member, row.scope)


def _valid_token(digest: str) -> Token | None:
    """Returns the token that is neither revoked nor expired and whose user is active."""
    rows = Token.objects.select_related("member__team", "member__user").filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now()),
        digest=digest,
        revoked_at__isnull=True,
        member__user__is_active=True,
    )
    return rows.first()


def _refuse_ended_token(digest: str, request: HttpRequest) -> None:
    """Raises EndedTokenError for a token that worked once: whoever holds it is told what became of it.

    It counts as a failed try, like an unknown token.
    """
    token = Token.objects.filter(digest=digest, member__user__is_active=True).first()
    if token is None:
        return
    if seconds := throttling.ANONYMOUS.acquire(throttling.client_key(request)):
        raise _anonymous_throttled(seconds)
    if token.revoked_at is not None:
        raise EndedTokenError(f"This token was revoked on {token.revoked_at:%Y-%m-%d}. {ADVICE}")
    raise EndedTokenError(f"This token expired on {token.expires_at:%Y-%m-%d}. {ADVICE}")


def _record_use(token: Token) -> None:
    now = timezone.now()
    if token.used_at is None or token.used_at < now - USED_AT_INTERVAL:
        try_to_write(lambda: Token.objects.filter(pk=token.pk).update(used_at=now))


def _token_throttled(rate: throttling.RateLimiter, seconds: float) -> throttling.ThrottledError:
    verb = "read" if rate is throttling.TOKEN_READS else "write"
    return throttling.ThrottledError(
        f"A token may {verb} {rate.per_second:.0f} times a second in the long run.", seconds
    )


def _anonymous_throttled(seconds: float) -> throttling.ThrottledError:
    text = "Too many requests without a good token came from this address. Check the token that is sent."
    return throttling.ThrottledError(text, seconds)
