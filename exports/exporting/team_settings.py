"""What a team's owners set: name, time zone, pause, when a change is odd, how long before a file goes they are told."""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from exports import clock
from exports.audit import log as audit_log
from exports.errors import InvalidError
from exports.exporting import pauses, retention_rules
from exports.exporting.planned_times import parse_zone
from exports.exporting.schedules import set_next_run
from exports.models import Schedule, Team, User

MAX_NAME_LENGTH: Final = 100
MAX_ODD_CHANGE_PERCENT: Final = 1000
MAX_EXPIRY_NOTICE_DAYS: Final = 90
# What each setting is called in the audit log.
LABELS: Final = {
    "time_zone": "the time zone",
    "language": "the language",
    "odd_change_percent": "the odd change",
}
SCHEDULES_AT_ONCE: Final = 500


def change_team(team: Team, user: User | None, changes: Mapping[str, Any]) -> Team:
    """Changes the given settings of a team; the others stay. Returns the team as it is now.

    Takes `name`, `time_zone`, `language`, `paused`, `odd_change_percent` (None: nothing is odd) and
    `expiry_notice_days`. Raises InvalidError with every problem at once.
    """
    wanted = _validate(changes)
    with transaction.atomic():
        current = Team.objects.select_for_update(no_key=True).get(pk=team.pk)
        before = {name: getattr(current, name) for name in ("name", *LABELS) if name in wanted}
        changed = [name for name, value in before.items() if value != wanted[name]]
        for name in changed:
            setattr(current, name, wanted[name])
            _record(current, user, name, before[name])
        current.save(update_fields=changed)
        if "time_zone" in changed:
            _plan_again(current)
        if "expiry_notice_days" in wanted:
            retention_rules.set_notice_days(current, user, wanted["expiry_notice_days"])
        if "paused" in wanted:
            pauses.set_paused(current, user, wanted["paused"])
    team.refresh_from_db()
    return team


def _record(team: Team, user: User | None, name: str, before: Any) -> None:
    if name == "name":
        audit_log.record_event(team, user, "renamed", f"team {team}", f"was {before}")
        return
    texts = ["none" if value is None else str(value) for value in (before, getattr(team, name))]
    audit_log.record_event(team, user, "changed", LABELS[name], f"from {texts[0]} to {texts[1]}")


def _plan_again(team: Team) -> None:
    """Plans the schedules that run in the team's time zone anew, from now on."""
    rows = Schedule.objects.select_for_update(of=("self",)).filter(team=team, enabled=True, time_zone="")
    schedules, now = list(rows.order_by("pk")), clock.now()
    for schedule in schedules:
        schedule.team = team
        set_next_run(schedule, now)
    Schedule.objects.bulk_update(schedules, ["next_run_at", "ask_at"], batch_size=SCHEDULES_AT_ONCE)


def _validate(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the changes to store. Raises InvalidError."""
    values = dict(changes)
    errors: dict[str, list[str]] = {}
    if "name" in values:
        values["name"] = str(values["name"] or "").strip()
        if not 1 <= len(values["name"]) <= MAX_NAME_LENGTH or not values["name"].isprintable():
            errors["name"] = [f"A team's name has 1 to {MAX_NAME_LENGTH} characters."]
    if "time_zone" in values:
        try:
            parse_zone(str(values["time_zone"]))
        except ValueError as problem:
            errors["time_zone"] = [str(problem)]
    if "language" in values and values["language"] not in dict(settings.LANGUAGES):
        errors["language"] = [f"Choose one of: {', '.join(dict(settings.LANGUAGES))}."]
    if "paused" in values and not isinstance(values["paused"], bool):
        errors["paused"] = ["Say true or false here."]
    percent = values.get("odd_change_percent")
    if percent is not None and not 1 <= percent <= MAX_ODD_CHANGE_PERCENT:
        errors["odd_change_percent"] = [f"Give 1 to {MAX_ODD_CHANGE_PERCENT} percent, or none."]
    if "expiry_notice_days" in values:
        days = values["expiry_notice_days"]
        if days is None or not 0 <= days <= MAX_EXPIRY_NOTICE_DAYS:
            errors["expiry_notice_days"] = [f"Give 0 to {MAX_EXPIRY_NOTICE_DAYS} days."]
    if errors:
        raise InvalidError(errors)
    return values
