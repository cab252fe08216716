"""Bearer tokens: which member is calling, and whether the token may write."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from exports import rates
from exports.models import Member, Token
from exports.models.token import WRITE

# `used_at` tells a person whether a token is in use; a write for each request would say no more.
NOTE_EVERY: Final = timedelta(minutes=1)
READING: Final = frozenset({"GET", "HEAD"})


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
        if found is None and (seconds := rates.STRANGERS.take(rates.place(request))):
            raise _stranger(seconds)
        return found

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        """As above, for a request with a token."""
        now, digest = timezone.now(), Token.digest_of(token.strip())
        rate = rates.READS if request.method in READING else rates.WRITES
        # Who was good a moment ago is not held up by others at the same address who guess.
        if not (rates.READS.knows(digest) or rates.WRITES.knows(digest)):
            if seconds := rates.STRANGERS.wait(rates.place(request)):
                raise _stranger(seconds)
        elif seconds := rate.wait(digest):
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
        if seconds := rate.take(digest):
            raise _busy(rate, seconds)
        if found.used_at is None or found.used_at < now - NOTE_EVERY:
            Token.objects.filter(pk=found.pk).update(used_at=now)
        if request.method not in READING and found.scope != WRITE:
            raise PermissionDenied("This token may only read. Use a token with scope write.")
        return Caller(found.member, found.scope)


def _busy(rate: rates.Rate, seconds: float) -> rates.TooManyError:
    done = "read" if rate is rates.READS else "write"
    return rates.TooManyError(f"A token may {done} {rate.a_second:.0f} times a second in the long run.", seconds)


def _stranger(seconds: float) -> rates.TooManyError:
    what = "Too many requests without a good token came from this address."
    return rates.TooManyError(f"{what} Check the token that is sent.", seconds)
