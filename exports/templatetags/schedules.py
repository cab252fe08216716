"""Template tags of schedules: when they run in words, and their state."""

import re
from datetime import timedelta
from typing import Final

from django import template
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import clock
from exports.exporting.presets import DAILY, HOURLY, LAST_DAY, WEEKLY, parse_preset
from exports.models import AutoProtection, Schedule
from exports.sentences import translated
from exports.templatetags.elements import icon, tone_state
from exports.templatetags.times import when

register = template.Library()

WEEKDAY_NAMES: Final = {
    1: _l("Mondays"),
    2: _l("Tuesdays"),
    3: _l("Wednesdays"),
    4: _l("Thursdays"),
    5: _l("Fridays"),
    6: _l("Saturdays"),
    7: _l("Sundays"),
}
WORKING_DAYS: Final = (1, 2, 3, 4, 5)
EVERY_MINUTES: Final = re.compile(r"\*/([1-9]\d?) \* \* \* \*")
EVERY_HOURS: Final = re.compile(r"(\d{1,2}) \*/([1-9]\d?) \* \* \*")
DAYS_OF_MONTH: Final = re.compile(r"(\d{1,2}) (\d{1,2}) (\d{1,2}(?:,\d{1,2})+) \* \*")
# A worker asks within seconds of the planned time.
LATE_AFTER: Final = timedelta(minutes=2)
# Labels of what became of a planned time.
OUTCOME_LABELS: Final = {
    "requested": _l("Requested"),
    "skipped": _l("Skipped"),
    "failed": _l("Failed"),
    "missed": _l("Missed"),
}


@register.filter
def frequency(schedule: Schedule | AutoProtection) -> str:
    """Returns when a schedule runs, as in "Daily at 02:00"; a cron expression that no preset has as it is.

    The zone is said where it is not the reader's.
    """
    zone = schedule.zone_name if isinstance(schedule, Schedule) else schedule.time_zone
    text, is_readers = describe_cron(schedule.cron), zone in ("", timezone.get_current_timezone_name())
    return text if is_readers else f"{text}, {zone.replace('_', ' ')}"


def describe_cron(cron: str) -> str:
    """Returns a valid cron expression in words."""
    preset = parse_preset(cron)
    if preset is None:
        return _describe_repeated(cron)
    names = {"time": preset.time, "minute": f"{preset.minute:02d}", "day": preset.day}
    if preset.frequency == HOURLY:
        return _("Every hour at :%(minute)s") % names
    if preset.frequency == DAILY:
        return _("Daily at %(time)s") % names
    if preset.frequency == WEEKLY:
        if preset.weekdays == WORKING_DAYS:
            return _("Monday to Friday at %(time)s") % names
        names["days"] = ", ".join(str(WEEKDAY_NAMES[number]) for number in preset.weekdays)
        return _("%(days)s at %(time)s") % names
    if preset.day == LAST_DAY:
        return _("Last day of the month, %(time)s") % names
    return _("Day %(day)s of the month, %(time)s") % names


def _describe_repeated(cron: str) -> str:
    """Returns a cron expression without a preset in words where it repeats evenly, or on days of the month."""
    text = " ".join(cron.split())
    if (match := EVERY_MINUTES.fullmatch(text)) and 60 % int(match[1]) == 0:
        return _("Every %(minutes)s min") % {"minutes": int(match[1])}
    if (match := EVERY_HOURS.fullmatch(text)) and 24 % int(match[2]) == 0:
        return _("Every %(hours)s h at :%(minute)s") % {"hours": int(match[2]), "minute": f"{int(match[1]):02d}"}
    if match := DAYS_OF_MONTH.fullmatch(text):
        time, days = f"{int(match[2]):02d}:{int(match[1]):02d}", match[3].replace(",", ", ")
        return _("Days %(days)s of the month, %(time)s") % {"days": days, "time": time}
    return cron


@register.simple_tag
def schedule_state(schedule: Schedule) -> SafeString:
    """Renders whether a schedule is on, paused by a person, or stopped by the portal, as icon and label."""
    if schedule.was_stopped:
        tone, icon_name, label = "bad", "alert", _("Stopped")
    elif not schedule.enabled:
        tone, icon_name, label = "off", "pause", _("Paused")
    elif schedule.failures_in_a_row:
        tone, icon_name, label = "warn", "alert", _("Check")
    else:
        tone, icon_name, label = "good", "check", _("On")
    return tone_state(tone, label, icon_name)


@register.simple_tag
def next_run(schedule: Schedule) -> SafeString | str:
    """Renders when a schedule asks next; a time that has passed with icon and word, since it did not ask yet."""
    if schedule.ask_at is None or clock.now() - schedule.ask_at < LATE_AFTER:
        return when(schedule.ask_at, "\N{EM DASH}")
    text = escape(_("Due %(at)s")) % {"at": when(schedule.ask_at)}
    return format_html('<span class="state warn">{}<span>{}</span></span>', icon("clock"), SafeString(text))


@register.filter
def outcome_label(outcome: str) -> str:
    """Returns the label of what became of a planned time."""
    return str(OUTCOME_LABELS.get(outcome, outcome))


@register.filter
def kind_of_schedule(schedule: Schedule) -> str:
    """Returns the label of the kind; its type if the portal no longer has the kind."""
    try:
        return translated(schedule.kind.label)
    except KeyError:
        return schedule.type
