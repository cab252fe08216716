"""The audit log: who did what to what, from which address. Services write it, so pages, API and commands all do."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.http import urlencode

from exports.models import AuditEntry, Export, Member, Team, User

# The verbs that the page offers as filters. An event with another verb is shown and filtered as well.
VERBS: Final = (
    "added",
    "renamed",
    "changed",
    "tested",
    "sent again",
    "turned off",
    "corrected",
    "archived",
    "brought back",
    "paused",
    "resumed",
    "asked to delete",
    "kept team",
    "took over",
    "set target",
    "protected all",
    "stopped protecting",
    "replaced secrets",
    "deleted",
    "invited",
    "revoked",
    "joined",
    "left",
    "removed",
    "changed role",
    "kept",
    "made",
    "asked for",
    "retried",
    "ran again",
    "adopted",
    "fetched again",
    "re-drove",
    "canceled",
    "dismissed",
    "took back dismissal",
    "deleted file",
    "downloaded",
    "pinned file",
    "unpinned file",
    "erased files",
    "set retention",
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
    "stopped",
    "made admin",
    "removed admin",
    "deactivated account",
    "deleted account",
)
# What concerns who gets in, and what they may do.
SECURITY_VERBS: Final = frozenset(
    {
        "replaced secrets",
        "invited",
        "revoked",
        "joined",
        "left",
        "removed",
        "changed role",
        "kept",
        "made",
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
        "made admin",
        "removed admin",
        "deactivated account",
        "deleted account",
    }
)
# Of the log's page; the last two are for paging.
FILTER_NAMES: Final = ("person", "verb", "only", "before", "limit")
SECURITY: Final = "security"
# Sources of export changes that are audited: people, and programs acting for them. The rest is in the history only.
AUDITED_SOURCES: Final = frozenset({"person", "api", "staff"})

_address: ContextVar[str | None] = ContextVar("address", default=None)


@contextmanager
def address_context(address: str | None) -> Iterator[None]:
    """Sets the client's address for the events recorded in the block."""
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
    """Records an event. Call it in the transaction of the change.

    `user`: a user, or a mail address (the export history names people so); None is a command of the portal's staff.
    `address`: by default that of `address_context`.
    """
    entry = _new_entry(team, user, verb, target, detail, address)
    entry.save()
    return entry


def record_events(
    team: Team | int,
    user: User,
    verb: str,
    targets: Iterable[str],
    detail: str = "",
    address: str | None = None,
) -> None:
    """Records the same about many targets, in one statement; the arguments are those of `record_event`."""
    AuditEntry.objects.bulk_create(_new_entry(team, user, verb, target, detail, address) for target in targets)


def _new_entry(
    team: Team | int, user: User | str | None, verb: str, target: str, detail: str, address: str | None
) -> AuditEntry:
    person = user if isinstance(user, User) else User.objects.filter(email__iexact=user).first() if user else None
    return AuditEntry(
        team_id=team.pk if isinstance(team, Team) else team,
        user=person,
        actor=person.email if person else str(user or "a command"),
        verb=verb[:40],
        target=target[:200],
        detail=detail[:500],
        address=address or _address.get(),
    )


def describe_file(export: Export) -> str:
    """Returns the name of an export's file in the audit log."""
    return f"{export.file.name[:150] if export.file else 'the file'} of export {export.pk}"


def describe_export(export: Export) -> str:
    """Returns the name of an export in the audit log."""
    try:
        kind_label = export.kind.label
    except KeyError:
        kind_label = export.type
    return f"export {export.pk}: {kind_label} of {export.project}"


def _is_in_log(entries: QuerySet[AuditEntry], team: Team, user_id: int) -> bool:
    return Member.objects.filter(team=team, user_id=user_id).exists() or entries.filter(user_id=user_id).exists()


@dataclass(frozen=True)
class EventFilters:
    """Filters of the audit log: by user, by verb, and only what concerns security. All are optional."""

    user_id: int | None = None
    verb: str = ""
    only_security: bool = False

    @classmethod
    def parse(cls, team: Team, data: QueryDict) -> "tuple[EventFilters, dict[str, str]]":
        """Parses a query string. Returns the filters, without values that the team's log cannot have, and why not."""
        errors = {name: "There is no filter of this name." for name in data if name not in FILTER_NAMES}
        entries = AuditEntry.objects.filter(team=team)
        person, verb = data.get("person", "").strip(), data.get("verb", "").strip()
        user_id = int(person) if person.isascii() and person.isdigit() and len(person) <= 18 else None
        if person and not (user_id and _is_in_log(entries, team, user_id)):
            errors["person"], user_id = "Nobody of this number is or was in the team.", None
        if verb and verb not in VERBS and not entries.filter(verb=verb).exists():
            errors["verb"], verb = "Nobody ever does this. Choose from the list.", ""
        only = data.get("only", "").strip()
        if only not in ("", SECURITY):
            errors["only"] = f"Leave it out, or say {SECURITY}."
        return cls(user_id, verb, only == SECURITY), errors

    @property
    def query_string(self) -> str:
        """The filters as a query string, without a question mark."""
        pairs = {"person": self.user_id, "verb": self.verb, "only": SECURITY if self.only_security else ""}
        return urlencode({name: value for name, value in pairs.items() if value})

    def events_of(self, team: Team) -> QuerySet[AuditEntry]:
        """Returns the team's events that match."""
        rows = AuditEntry.objects.filter(team=team).select_related("user")
        if self.user_id is not None:
            rows = rows.filter(user_id=self.user_id)
        if self.only_security:
            rows = rows.filter(verb__in=SECURITY_VERBS)
        return rows.filter(verb=self.verb) if self.verb else rows
