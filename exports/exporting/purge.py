"""Applies retention rules to a team's kept files: what goes, what is told before, and until when the others stay."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, TypeVar

from django.db import transaction
from django.db.models import F, QuerySet

from exports import clock, states
from exports.audit import log as audit_log
from exports.exporting.delete_file import mark_deleted, remove_bytes
from exports.exporting.retention_rules import describe
from exports.models import Download, Export, File, Member, OutboxMessage, Team
from exports.models.outbox import MAIL
from exports.models.team import OWNER
from exports.storage.retention import Decision
from exports.storage.retention_plan import TeamRules, rules_of

BATCH: Final = 200
# Files that a notice names; it says how many more there are.
MAX_FILES_NAMED: Final = 50
ACTOR: Final = "retention"
MAX_FILES_AT_ONCE: Final = 2000
MAX_FILES_REFRESHED: Final = 2000
EXPIRY: Final = "expiry"
# The nightly run does not come at the same second of each day.
NIGHTS_DIFFER: Final = timedelta(hours=6)
T = TypeVar("T")


@dataclass(frozen=True)
class PurgeResult:
    """What a run did: files deleted and their bytes, files held back until their notice has stood long enough.

    `more`: it stopped at its limit.
    """

    files: int = 0
    bytes: int = 0
    awaiting: int = 0
    notices: int = 0
    more: bool = False


def what_goes(rules: TeamRules, now: datetime, project_id: int | None = None) -> list[Decision]:
    """The files that the rules let go at `now`, by export, the newest first. Of one project, or of the team."""
    decisions = rules.decisions(now) if project_id is None else rules.decisions_of_project(project_id, now)
    return sorted((one for one in decisions if one.goes), key=lambda one: one.file.export_id, reverse=True)


def purge(team: Team) -> PurgeResult:
    """Deletes what the rules of the team let go now, also what nobody was told of: for the operator's command."""
    rules = rules_of(team)
    return _delete(rules, what_goes(rules, clock.now()))


def purge_nightly(team: Team, limit: int = MAX_FILES_AT_ONCE) -> PurgeResult:
    """Deletes what the rules let go, except files that nobody downloaded: their owners are told some days before.

    At most `limit` files, so that a worker's slot is free again soon.

    Sets `expires_at` of the files that stay where it is known.
    """
    rules, now = rules_of(team), clock.now()
    if rules.keeps_all:
        return PurgeResult()
    gone = list(_with_expiry(rules, now))
    notices = _send_notices(rules, now)
    awaiting = {id_ for some in _batches(gone) for id_ in _awaiting_notice(team, [one.file.id for one in some], now)}
    due = [one for one in gone if one.file.id not in awaiting]
    result = _delete(rules, due[:limit])
    return PurgeResult(result.files, result.bytes, len(awaiting), notices, more=len(due) > limit)


def refresh_expiry(team: Team) -> None:
    """Writes until when files stay, after a rule was changed. Deletes nothing."""
    for _ in _with_expiry(rules_of(team), clock.now()):
        pass


def refresh_expiry_if_quick(team: Team) -> None:
    """As `refresh_expiry`, for a request: a team with very many files has them written in the night."""
    if team.kept_files <= MAX_FILES_REFRESHED:
        refresh_expiry(team)


def _with_expiry(rules: TeamRules, now: datetime) -> Iterator[Decision]:
    """Yields what goes; of the files that stay, writes until when."""
    changed: dict[timedelta | None, list[int]] = defaultdict(list)
    for one in rules.decisions(now):
        if one.goes:
            yield one
        elif one.expires_at != one.file.expires_at:
            key = one.expires_at - one.file.at if one.expires_at else None
            changed[key].append(one.file.id)
            if len(changed[key]) >= BATCH:
                _write_expiry(key, changed.pop(key))
    for key, ids in changed.items():
        _write_expiry(key, ids)


def _write_expiry(days: timedelta | None, ids: Sequence[int]) -> None:
    """Writes when `days` after they were verified files go. Where that is another time, it is told of again."""
    rows = File.objects.filter(pk__in=ids, deleted_at=None, pinned_at=None)
    rows.update(expires_at=F("verified_at") + days if days else None, expiry_notified_at=None)


def _awaiting_notice(team: Team, ids: Sequence[int], now: datetime) -> set[int]:
    """Those of the files that nobody downloaded and that were not told of, or not long enough ago."""
    if not team.expiry_notice_days:
        return set()
    notified_since = now - timedelta(days=team.expiry_notice_days) + NIGHTS_DIFFER
    rows = _never_downloaded(ids).exclude(expiry_notified_at__lte=notified_since)
    awaiting = dict(rows.values_list("pk", "expiry_notified_at"))
    for at in {at for at in awaiting.values() if at is not None}:
        goes_at = at + timedelta(days=team.expiry_notice_days)
        File.objects.filter(pk__in=awaiting, expiry_notified_at=at).update(expires_at=goes_at)
    return set(awaiting)


def _never_downloaded(ids: Sequence[int]) -> QuerySet[File]:
    downloaded = Download.objects.filter(export__file__in=ids).values("export__file")
    return File.objects.filter(pk__in=ids, deleted_at=None, pinned_at=None).exclude(pk__in=downloaded)


def _send_notices(rules: TeamRules, now: datetime) -> int:
    """Queues one mail for each person whose files go once the notice has stood; for the owners, if that one left.

    Returns for how many people there were files.
    """
    team = rules.team
    if not team.expiry_notice_days:
        return 0
    goes_at = now + timedelta(days=team.expiry_notice_days)
    untold: dict[int, list[int]] = defaultdict(list)
    for some in _batches(one for one in rules.decisions(goes_at) if one.goes):
        rows = _never_downloaded([one.file.id for one in some]).filter(expiry_notified_at=None)
        for file_id, user_id in rows.values_list("pk", "export__user_id"):
            untold[user_id].append(file_id)
    members = Member.objects.filter(team=team, user__is_active=True)
    present = set(members.values_list("user_id", flat=True))
    owners = list(members.filter(role=OWNER).order_by("pk").values_list("user_id", flat=True))
    for user_id, file_ids in untold.items():
        _send_notice(team, [user_id] if user_id in present else owners, file_ids, now, goes_at)
    return len(untold)


def _send_notice(team: Team, user_ids: list[int], file_ids: list[int], now: datetime, goes_at: datetime) -> None:
    """Marks the files as told of and queues the mails, in one transaction. `user_ids`: whom."""
    notified: list[int] = []
    with transaction.atomic():
        for ids in _batches(file_ids):
            rows = File.objects.select_for_update().filter(pk__in=ids, deleted_at=None, expiry_notified_at=None)
            locked = list(rows.values_list("pk", flat=True))
            File.objects.filter(pk__in=locked).update(expiry_notified_at=now)
            notified += Export.objects.filter(file__in=locked).values_list("pk", flat=True)
        for user_id in user_ids if notified else ():
            _queue_notice(team, user_id, notified, goes_at)


def _queue_notice(team: Team, user_id: int, export_ids: list[int], goes_at: datetime) -> None:
    newest = sorted(export_ids, reverse=True)[:MAX_FILES_NAMED]
    payload = {EXPIRY: {"exports": newest, "count": len(export_ids), "at": goes_at.isoformat()}}
    key = f"{EXPIRY}:{goes_at:%Y-%m-%d}"
    OutboxMessage.objects.create(
        team=team, user_id=user_id, kind=MAIL, key=key, payload=payload, due_at=clock.now(), host=MAIL
    )


def _delete(rules: TeamRules, gone: Sequence[Decision]) -> PurgeResult:
    """Deletes the files in batches, each in a transaction of its own."""
    count = size = 0
    # By project, so that a batch is of few of them.
    for some in _batches(sorted(gone, key=lambda one: (one.file.group, one.file.at))):
        with transaction.atomic():
            deleted = [file for because, ids in _by_reason(rules, some).items() for file in _mark(ids, because)]
        remove_bytes(deleted)
        count, size = count + len(deleted), size + sum(file.size for file in deleted)
    if count:
        audit_log.record_event(rules.team, ACTOR, "deleted file", f"{count} files by retention", f"{size} bytes")
    return PurgeResult(count, size)


def _mark(ids: list[int], because: str) -> Sequence[File]:
    return mark_deleted(sorted(set(ids) - _last_good(ids)), because, by_rule=True)


def _last_good(ids: list[int]) -> set[int]:
    """Those of the files that are the last good ones by now: what was newer was deleted or damaged meanwhile."""
    found = set()
    rows = Export.objects.filter(file__in=ids).values_list("project_id", "type", "format")
    for project_id, type_, format_ in rows.distinct():
        good = Export.objects.filter(project=project_id, type=type_, format=format_, status=states.SUCCEEDED)
        good = good.filter(file__deleted_at=None, file__damaged_at=None)
        if not list(good.exclude(file__in=ids).order_by("-pk").values("pk")[:1]):
            last = good.order_by("-file__verified_at", "-pk").values_list("file_id", flat=True).first()
            found |= {last} if last is not None else set()
    return found


def _by_reason(rules: TeamRules, some: Sequence[Decision]) -> dict[str, list[int]]:
    reasons: dict[str, list[int]] = defaultdict(list)
    for one in some:
        whose = "project" if one.file.project_id in rules.of_projects else "team"
        what = describe(rules.rule_of(one.file.project_id))
        sentence = f"By the {whose}'s retention rule ({one.rule}). {what}"
        reasons[sentence].append(one.file.id)
    return reasons


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while some := list(islice(iterator, BATCH)):
        yield some
