"""The activity page's lines: audit entries by day, in plain words, with bulk actions as one line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext_lazy, pgettext_lazy

from exports.models import AuditEntry, User

# Entries of one person that are further apart were no bulk action.
BULK_PAUSE: Final = timedelta(minutes=2)
EXPORT_TARGET: Final = re.compile(r"export (\d{1,18}): (.+)", re.DOTALL)
FILE_TARGET: Final = re.compile(r"(.+) of export (\d{1,18})", re.DOTALL)
FILE_VERBS: Final = frozenset({"deleted file", "downloaded", "pinned file", "unpinned file"})
OWN_TARGET: Final = "own"
NAMED_IDS: Final = 3
# What is counted: files, and what the first word of a target may be.
COUNT_TEXTS: Final = {
    "file": ngettext_lazy("%(count)s file", "%(count)s files", "count"),
    "export": ngettext_lazy("%(count)s export", "%(count)s exports", "count"),
    "project": ngettext_lazy("%(count)s project", "%(count)s projects", "count"),
    "credential": ngettext_lazy("%(count)s credential", "%(count)s credentials", "count"),
    "schedule": ngettext_lazy("%(count)s schedule", "%(count)s schedules", "count"),
    "member": ngettext_lazy("%(count)s member", "%(count)s members", "count"),
    "token": ngettext_lazy("%(count)s token", "%(count)s tokens", "count"),
    "alert": ngettext_lazy("%(count)s alert", "%(count)s alerts", "count"),
    "webhook": ngettext_lazy("%(count)s webhook", "%(count)s webhooks", "count"),
}
# What a verb of the audit log is called; others are shown as they are.
PHRASES: Final[dict[str, Promise]] = {
    "added": _l("added"),
    "archived": pgettext_lazy("activity", "archived"),
    "canceled": pgettext_lazy("activity", "canceled"),
    "changed": _l("changed"),
    "deleted": _l("deleted"),
    "downloaded": _l("downloaded"),
    "fetched again": _l("fetched again"),
    "invited": _l("invited"),
    "joined": _l("joined"),
    "left": _l("left"),
    "paused": _l("paused"),
    "removed": _l("removed"),
    "renamed": _l("renamed"),
    "resumed": _l("resumed"),
    "asked to delete": _l("asked to delete"),
    "kept team": _l("kept"),
    "retried": _l("retried"),
    "revoked": _l("revoked"),
    "sent again": _l("sent again"),
    "stopped": _l("stopped"),
    "tested": _l("tested"),
    "took over": _l("took over"),
    "turned off": _l("turned off"),
    "asked for": _l("ran"),
    "ran again": _l("ran again"),
    "re-drove": _l("re-drove"),
    "dismissed": _l("dismissed"),
    "made": _l("created"),
    "adopted": _l("followed"),
    "brought back": _l("restored"),
    "took back dismissal": _l("took back the dismissal of"),
    "corrected": _l("corrected the id of"),
    "replaced secrets": _l("replaced the secret of"),
    "protected all": _l("protected all of"),
    "stopped protecting": _l("stopped protecting all of"),
    "changed role": _l("changed the role of"),
    "kept": _l("kept as the last"),
    "deleted file": _l("deleted"),
    "erased files": _l("erased"),
    "pinned file": _l("pinned"),
    "unpinned file": _l("unpinned"),
    "set retention": _l("changed the retention of"),
    "set target": _l("set the freshness target of"),
    "changed password": _l("changed the password"),
    "reset password": _l("reset the password"),
    "added second factor": _l("turned on two-factor authentication:"),
    "removed second factor": _l("turned off two-factor authentication:"),
    "made recovery codes": _l("created recovery codes"),
    "used recovery code": _l("used a recovery code"),
    "ended session": _l("signed out a session"),
    "linked sign-in": _l("linked a sign-in"),
    "confirmed address": _l("confirmed the address"),
    "demanded": _l("required"),
    "made admin": _l("made an admin:"),
    "removed admin": _l("took the admin rights of"),
    "deactivated account": _l("deactivated the account"),
    "deleted account": _l("deleted the account"),
}


@dataclass(frozen=True)
class Entry:
    """One audit entry as it is shown. `export_id`: the export whose page it links to, or None."""

    at: datetime
    target: str
    meta: str
    export_id: int | None


@dataclass(frozen=True)
class Line:
    """One line: a single entry, or the entries of a bulk action, newest first, with their `count_text`."""

    at: datetime
    person: User | None
    actor: str
    icon: str
    phrase: str
    address: str
    entries: Sequence[Entry]
    count_text: str
    meta: str

    @property
    def is_bulk(self) -> bool:
        """Whether it stands for several entries."""
        return len(self.entries) > 1


def group_by_day(entries: Sequence[AuditEntry]) -> list[tuple[datetime, list[Line]]]:
    """Returns the entries, newest first, as lines under the time of each day's newest one, in the reader's zone."""
    lines = (_line(group) for group in _bulk_actions(entries))
    days = groupby(lines, key=lambda line: timezone.localtime(line.at).date())
    return [(of_day[0].at, of_day) for _day, found in days for of_day in [list(found)]]


def first_lines(entries: Sequence[AuditEntry], max_lines: int, *, more: bool) -> Sequence[AuditEntry]:
    """Returns the first entries, for at most `max_lines`. `more`: the log goes on after them.

    A line that the next entry may belong to is left to the next page, unless it alone is longer than the page.
    """
    groups = list(_bulk_actions(entries))
    if more and len(groups) > 1:
        groups.pop()
    return [entry for group in groups[:max_lines] for entry in group]


def _bulk_actions(entries: Sequence[AuditEntry]) -> Iterator[list[AuditEntry]]:
    """Yields the entries that are one line, newest first."""
    group: list[AuditEntry] = []
    for entry in entries:
        if group and not _goes_with(entry, group[-1]):
            yield group
            group = []
        group.append(entry)
    if group:
        yield group


def _goes_with(entry: AuditEntry, newer: AuditEntry) -> bool:
    """Whether an entry belongs to the same bulk action as the next newer one."""
    if (entry.verb, entry.user_id, entry.actor) != (newer.verb, newer.user_id, newer.actor) or not _noun(entry):
        return False
    days = {timezone.localtime(one.at).date() for one in (entry, newer)}
    return _noun(entry) == _noun(newer) and newer.at - entry.at <= BULK_PAUSE and len(days) == 1


def _noun(entry: AuditEntry) -> str:
    """Returns what kind of thing the entry is about; "" where entries are not counted."""
    if entry.verb in FILE_VERBS and FILE_TARGET.fullmatch(entry.target):
        return "file"
    word = entry.target.partition(" ")[0]
    return word if word in COUNT_TEXTS else ""


def _line(group: Sequence[AuditEntry]) -> Line:
    newest = group[0]
    shown = [_entry(entry) for entry in group]
    several = len(group) > 1
    return Line(
        at=newest.at,
        person=newest.user,
        actor=newest.user.display_name if newest.user else _actor(newest.actor),
        icon=_icon(newest),
        phrase=str(PHRASES.get(newest.verb, newest.verb)),
        address=newest.address or "",
        entries=shown,
        count_text=COUNT_TEXTS[_noun(newest)] % {"count": len(group)} if several else "",
        meta=_ids(shown) if several else shown[0].meta,
    )


def _actor(text: str) -> str:
    """Returns the name of who has no account, such as a schedule or a command."""
    return _("A command") if text == "a command" else text[:1].upper() + text[1:]


def _icon(entry: AuditEntry) -> str:
    """Returns the name of the icon of who has no account."""
    return "cal" if entry.actor.startswith("schedule ") else "portal"


def _entry(entry: AuditEntry) -> Entry:
    target, export_id, ids = entry.target, None, ""
    if match := EXPORT_TARGET.fullmatch(entry.target):
        target, export_id, ids = match[2], int(match[1]), f"#{match[1]}"
    elif match := FILE_TARGET.fullmatch(entry.target):
        target, export_id, ids = match[1], int(match[2]), f"#{match[2]}"
    elif target == OWN_TARGET:
        target = ""
    return Entry(entry.at, target, ", ".join(filter(None, (ids, entry.detail))), export_id)


def _ids(entries: Sequence[Entry]) -> str:
    """Returns the exports of a bulk action: the first and the last where none is missing between, else a few."""
    ids = sorted({entry.export_id for entry in entries if entry.export_id is not None})
    if len(ids) > 2 and ids[-1] - ids[0] == len(ids) - 1:
        return f"#{ids[0]}\N{EN DASH}#{ids[-1]}"
    text = ", ".join(f"#{pk}" for pk in ids[:NAMED_IDS])
    if len(ids) <= NAMED_IDS:
        return text
    return _("%(ids)s and %(count)s more") % {"ids": text, "count": len(ids) - NAMED_IDS}
