"""Template tags and filters of times, durations, sizes and counts.

Times are relative in the text and exact in `data-exact`, which the stylesheet shows on hover and focus. The script
keeps the relative text true while the page is open. All are in the reader's zone.
"""

import json
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from django import template
from django.utils import dateformat, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from exports import units

register = template.Library()

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400
NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def relative_time(at: datetime, now: datetime) -> str:
    """Returns a time as seen from `now`, both in the reader's zone: "12 min ago", "yesterday 18:04", "in 18 s"."""
    seconds = int((now - at).total_seconds())
    if seconds < 0:
        return _future_time(at, now, -seconds)
    clock = f"{at:%H:%M}"
    if seconds < MINUTE:
        return _("%(count)s s ago") % {"count": seconds}
    if seconds < HOUR:
        return _("%(count)s min ago") % {"count": seconds // MINUTE}
    days = (now.date() - at.date()).days
    if days == 0:
        return _("%(count)s h ago") % {"count": seconds // HOUR}
    if days == 1:
        return _("yesterday %(time)s") % {"time": clock}
    if days < 7:
        return f"{_weekday(at)} {clock}"
    return _date(at, now)


def _future_time(at: datetime, now: datetime, seconds: int) -> str:
    clock = f"{at:%H:%M}"
    if seconds < MINUTE + MINUTE // 2:
        return _("in %(count)s s") % {"count": seconds}
    if seconds < HOUR + HOUR // 2:
        return _("in %(count)s min") % {"count": round(seconds / MINUTE)}
    days = (at.date() - now.date()).days
    if days == 0:
        return _("today %(time)s") % {"time": clock}
    if days == 1:
        return _("tomorrow %(time)s") % {"time": clock}
    return f"{_weekday(at)} {_date(at, now)}, {clock}" if days < 7 else _date(at, now)


def _date(at: datetime, now: datetime) -> str:
    pattern = pgettext("date", "j M") if at.year == now.year else pgettext("date", "j M Y")
    return format_day(at.date(), pattern)


def _weekday(at: datetime) -> str:
    return format_day(at.date(), pgettext("date", "D"))


def exact_time(at: datetime) -> str:
    """Returns a time to the second: "Sun 29 Nov 2026, 15:30:08"."""
    pattern = pgettext("date", "D j M Y")
    return f"{format_day(at.date(), pattern)}, {at:%H:%M:%S}"


def format_day(day: date, pattern: str) -> str:
    """Returns a day by a pattern of Django's date filter, in the reader's language."""
    return _day(day, pattern, get_language())


@lru_cache(maxsize=1024)  # A page has many times of few days. Their names are those of the language.
def _day(day: date, pattern: str, language: str | None) -> str:
    return dateformat.format(day, pattern)


@register.simple_tag
def when(
    at: datetime | None, otherwise: str | None = None, *, exact: bool = False, focus: bool = False
) -> SafeString | str:
    """Renders a time: relative, with the exact one on hover; `exact` shows date and seconds at once.

    `focus` lets the keyboard reach the exact time; it is for facts and timelines, not for tables.
    `otherwise` stands for None; "never" if it is not given.
    """
    if at is None:
        return _("never") if otherwise is None else otherwise
    local = timezone.localtime(at)
    if exact:
        return _time(local, exact_time(local), "", focus)
    short = f"{_date(local, timezone.localtime())}, {local:%H:%M}"
    return _time(local, relative_time(local, timezone.localtime()), short, focus)


@register.simple_tag
def time_of_day(at: datetime | None, *, seconds: bool = False, focus: bool = False) -> SafeString | str:
    """Renders the time of day alone, for rows under a heading that says the day; the exact time on hover."""
    if at is None:
        return "\N{EM DASH}"
    local = timezone.localtime(at)
    return _time(local, f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}", "", focus)


@register.simple_tag
def when_of_day(at: datetime) -> SafeString | str:
    """Renders a time in rows under a heading that says the day: relative today, else the time of day."""
    return when(at) if timezone.localtime(at).date() == timezone.localdate() else time_of_day(at)


def _time(at: datetime, text: str, short: str, focus: bool) -> SafeString:
    """Renders <time>. With `short`, `text` is relative and the reader may have it replaced by `short` everywhere."""
    tabindex = SafeString(' tabindex="0"') if focus else ""
    body = format_html('<span class="rel">{}</span><span class="exact">{}</span>', text, short) if short else text
    return format_html(
        '<time datetime="{}" data-exact="{}"{}>{}</time>',
        at.isoformat(timespec="seconds"),
        exact_time(at),
        tabindex,
        body,
    )


@register.simple_tag
def today() -> str:
    """Returns today in the reader's zone: "Sunday 29 November"."""
    return dateformat.format(timezone.localtime(), "l j F")


@register.simple_tag
def elapsed(since: datetime) -> SafeString:
    """Renders how long ago a time was, as a duration that the script lets grow."""
    text = format_duration((timezone.now() - since).total_seconds())
    return format_html(
        '<time datetime="{}" data-elapsed><span class="rel">{}</span></time>', since.isoformat(timespec="seconds"), text
    )


@register.simple_tag
def due(at: datetime) -> SafeString:
    """Renders a time to come, which the script counts down and calls "now" when it has passed."""
    local = timezone.localtime(at)
    passed = local <= timezone.localtime()
    text = _("now") if passed else relative_time(local, timezone.localtime())
    return format_html(
        '<time datetime="{}" data-exact="{}" data-due><span class="rel">{}</span></time>',
        local.isoformat(timespec="seconds"),
        exact_time(local),
        text,
    )


@register.simple_tag
def counted_times() -> str:
    """Returns the words of times that are counted, each with 0 in it, as JSON for the script that keeps them true."""
    return json.dumps(
        {
            "s": _("%(count)s s ago") % {"count": 0},
            "min": _("%(count)s min ago") % {"count": 0},
            "h": _("%(count)s h ago") % {"count": 0},
            "in_s": _("in %(count)s s") % {"count": 0},
            "in_min": _("in %(count)s min") % {"count": 0},
            "now": _("now"),
        }
    )


@register.simple_tag
def between(first: datetime, last: datetime) -> SafeString | str:
    """Renders a span of time as short as possible: one moment, or clock times within one day, or two full times."""
    if first == last:
        return when(first, exact=True)
    ends = [timezone.localtime(at) for at in (first, last)]
    if ends[0].date() != ends[1].date():
        return format_html("{} &ndash; {}", when(first, exact=True), when(last, exact=True))
    clocks = [f"{at:%H:%M}" for at in ends]
    times = [_time(at, clock, "", False) for at, clock in zip(ends, clocks, strict=True)]
    return times[0] if clocks[0] == clocks[1] else format_html("{}&ndash;{}", *times)


@register.filter
def ago(at: datetime | None) -> str:
    """Returns how many days ago a time was: "today", "yesterday", "3 days ago"."""
    if at is None:
        return _("never")
    days = (timezone.localdate() - timezone.localtime(at).date()).days
    if days < 2:
        return _("today") if days <= 0 else _("yesterday")
    return ngettext("%(days)s day ago", "%(days)s days ago", days) % {"days": days}


@register.filter
def day(at: datetime) -> str:
    """Returns the day of a time in the reader's zone, with the year if it is not the current one."""
    return _date(timezone.localtime(at), timezone.localtime())


@register.filter
def day_heading(at: datetime) -> str:
    """Returns the day of a time as a heading above rows: "Today", "Yesterday", "Fri 27 Nov"."""
    local, now = timezone.localtime(at), timezone.localtime()
    days = (now.date() - local.date()).days
    if days in (0, 1):
        return _("Today") if days == 0 else _("Yesterday")
    return f"{_weekday(local)} {_date(local, now)}"


def format_duration(seconds: float | timedelta | None) -> str:
    """Returns a duration (in seconds, if a number) in at most two units: "48 s", "1 min 48 s", "14 min", "1 h 12 min".

    Seconds are left out from ten minutes on. "" for None.
    """
    if seconds is None:
        return ""
    whole = round(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    if 10 * MINUTE <= whole < HOUR:
        whole = round(whole / MINUTE) * MINUTE
    units = (
        (whole // DAY, pgettext("days", "d")),
        (whole // HOUR % 24, "h"),
        (whole // MINUTE % 60, "min"),
        (whole % MINUTE, "s"),
    )
    first = next((index for index, (count, _unit) in enumerate(units) if count), len(units) - 1)
    parts = [f"{count} {unit}" for count, unit in units[first : first + 2] if count]
    return " ".join(parts) or _("< 1 s")


@register.filter
def duration(seconds: float | timedelta | None) -> str:
    """Returns a duration as `format_duration` does."""
    return format_duration(seconds)


@register.filter
def file_size(size: int | None) -> str:
    """Returns a number of bytes in SI units: "63.3 KB", "184 MB"; one decimal below 100. "—" for None."""
    return "\N{EM DASH}" if size is None else units.size(size, NO_BREAK)


@register.filter
def count(number: int | None) -> str:
    """Returns a number with the language's sign between thousands, a comma in English; "—" for None."""
    return "\N{EM DASH}" if number is None else units.number(number)
