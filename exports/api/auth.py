"""Bearer tokens: which member is calling, and whether the token may write."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from exports.http import throttling
from exports.models import Member, Token
from exports.models.token import WRITE

# `used_at` tells a person whether a token is in use; a write for each request would say no more.
USED_AT_INTERVAL: Final = timedelta(minutes=1)
READ_METHODS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Caller:
    """Who is calling: a member of one team, by a token of this scope."""

    member: Member
    scope: str


class ApiRequest(HttpRequest):
    """A request that came with a good token."""

    auth: Caller


class Bearer(HttpBearer):
    """The portal's own tokens. A revoked or expired one, or one of an inactive person, is none."""

    def __call__(self, request: HttpRequest) -> Caller | None:
        """The caller, or None. Raises PermissionDenied when a read token is used to write, TooManyError."""
        found: Caller | None = super().__call__(request)
        if found is None and (seconds := throttling.ANONYMOUS.acquire(throttling.client_key(request))):
            raise _stranger(seconds)
        return found

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        """As above, for a request with a token."""
        now, digest = timezone.now(), Token.digest_of(token.strip())
        rate = throttling.TOKEN_READS if request.method in READ_METHODS else throttling.TOKEN_WRITES
        # Who was good a moment ago is not held up by others at the same address who guess.
        if not (throttling.TOKEN_READS.has_seen(digest) or throttling.TOKEN_WRITES.has_seen(digest)):
            if seconds := throttling.ANONYMOUS.seconds_to_wait(throttling.client_key(request)):
                raise _stranger(seconds)
        elif seconds := rate.seconds_to_wait(digest):
            raise _busy(rate, seconds)
        rows = Token.objects.select_related("member__team", "member__user").filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=now),
            digest=digest,
            revoked_at__isnull=True,
            member__user__is_active=True,
        )
        found = rows.first()
        if found is None:
            return None
        if seconds := rate.acquire(digest):
            raise _busy(rate, seconds)
        if found.used_at is None or found.used_at < now - USED_AT_INTERVAL:
            Token.objects.filter(pk=found.pk).update(used_at=now)
        if request.method not in READ_METHODS and found.scope != WRITE:
            raise PermissionDenied("This token may only read. Use a token with scope write.")
        return Caller(found.member, found.scope)


def _busy(rate: throttling.RateLimiter, seconds: float) -> throttling.ThrottledError:
    done = "read" if rate is throttling.TOKEN_READS else "write"
    return throttling.ThrottledError(
        f"A token may {done} {rate.per_second:.0f} times a second in the long run.", seconds
    )


def _stranger(seconds: float) -> throttling.ThrottledError:
    what = "Too many requests without a good token came from this address."
    return throttling.ThrottledError(f"{what} Check the token that is sent.", seconds)
