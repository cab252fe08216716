"""Activity: who did what to what, from which address. Written where it is done, whoever asked: page, API or command."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.http import urlencode

from exports.models import AuditEntry, Export, Team, User

# The words there are; one that is not here is shown and found all the same.
VERBS: Final = (
    "added",
    "renamed",
    "replaced secrets",
    "deleted",
    "invited",
    "revoked",
    "joined",
    "left",
    "removed",
    "changed role",
    "made",
    "asked for",
    "retried",
    "adopted",
    "canceled",
    "deleted file",
    "changed password",
    "reset password",
    "added second factor",
    "removed second factor",
    "made recovery codes",
    "used recovery code",
    "ended session",
    "linked sign-in",
    "confirmed address",
    "demanded",
)
# What asks by itself is in the export's history; here are people, and the programs that act in their name.
AUDITED_SOURCES: Final = frozenset({"person", "api", "staff"})

_address: ContextVar[str | None] = ContextVar("address", default=None)


@contextmanager
def address_context(address: str | None) -> Iterator[None]:
    """What is noted in the block was asked for from this address."""
    token = _address.set(address or None)
    try:
        yield
    finally:
        _address.reset(token)


def record_event(
    team: Team | int,
    user: User | str | None,
    verb: str,
    target: str,
    detail: str = "",
    address: str | None = None,
) -> AuditEntry:
    """Notes what somebody did; call it in the transaction that does it.

    `user` may be an address alone (the history knows people so); None is a command of the portal's staff. `address`:
    by default where the request under way comes from.
    """
    person = user if isinstance(user, User) else User.objects.filter(email__iexact=user).first() if user else None
    return AuditEntry.objects.create(
        team_id=team.pk if isinstance(team, Team) else team,
        user=person,
        actor=person.email if person else str(user or "a command"),
        verb=verb[:40],
        target=target[:200],
        detail=detail[:500],
        address=address or _address.get(),
    )


def describe_export(export: Export) -> str:
    """An export as activity names it."""
    try:
        what = export.kind.label
    except KeyError:
        what = export.type
    return f"export {export.pk}: {what} of {export.project}"


@dataclass(frozen=True)
class EventFilters:
    """Which activity to show: by whom, and which verb. Both may be empty."""

    user_id: int | None = None
    verb: str = ""

    @classmethod
    def parse(cls, data: QueryDict) -> "EventFilters":
        """Filters from a query string; what cannot be read is passed over."""
        person = data.get("person", "").strip()
        fits = person.isascii() and person.isdigit() and len(person) <= 18
        return cls(int(person) if fits else None, data.get("verb", "").strip()[:40])

    @property
    def query_string(self) -> str:
        """The same as a query string, without a question mark."""
        pairs = {"person": self.user_id, "verb": self.verb}
        return urlencode({name: value for name, value in pairs.items() if value})

    def events_of(self, team: Team) -> QuerySet[AuditEntry]:
        """Those of the team's activity that are wanted."""
        rows = AuditEntry.objects.filter(team=team).select_related("user")
        if self.user_id is not None:
            rows = rows.filter(user_id=self.user_id)
        return rows.filter(verb=self.verb) if self.verb else rows
