"""Template tags and filters of all pages: icons, states, times, durations, labels."""

import json
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from django import template
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

from exports import states
from exports.exporting import freshness
from exports.models import Credential, Export
from exports.providers import registry
from exports.providers.contract import Kind

register = template.Library()

# Parts of a User-Agent and their names. The order matters: most browsers also name those that follow them here.
BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)
# Icon and label of each status; a state is never shown by color alone.
STATUS_DISPLAY: Final = {
    states.WAITING: ("clock", _l("Waiting")),
    states.PROCESSING: ("turning", _l("Processing")),
    states.SUCCEEDED: ("check", _l("Succeeded")),
    states.FAILED: ("cross", _l("Failed")),
    states.CANCELED: ("stop", _l("Canceled")),
}
SOURCE_LABELS: Final = {
    "person": _l("A person"),
    "api": _l("Through the API"),
    "schedule": _l("A schedule"),
    "worker": _l("The portal's worker"),
    "poll": _l("The provider's answer"),
    "webhook": _l("The provider's webhook"),
    "watchdog": _l("The portal's watchdog"),
    "staff": _l("The portal's staff"),
}
TRIGGER_LABELS: Final = {
    "person": _l("on a page"),
    "api": _l("through the API"),
    "command": _l("by a command"),
    "schedule": _l("by a schedule"),
    "retry": _l("as a retry"),
    "adopt": _l("watching a job that ran already"),
}


@register.simple_tag
@lru_cache(maxsize=256)  # a page shows hundreds of the same few icons
def icon(name: str) -> SafeString:
    """Renders an icon. It is hidden from screen readers, so a text must stand beside it."""
    href = f"{static('exports/icons.svg')}#{name}"
    return format_html('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}"></use></svg>', href)


@register.simple_tag
def state(status: str) -> SafeString:
    """Renders a status as icon and label."""
    icon_name, label = STATUS_DISPLAY.get(status, ("clock", status))
    return format_html('<span class="state state-{}">{}{}</span>', status, icon(icon_name), label)


@register.simple_tag
def second_factor_badge(has_factor: bool) -> SafeString:
    """Renders whether a user has a second factor, as icon and label."""
    icon_name, label, css_class = ("shield", _("yes"), "yes") if has_factor else ("empty", _("none"), "muted")
    return format_html('<span class="{} nowrap">{} {}</span>', css_class, icon(icon_name), label)


@register.simple_tag
def openid_name() -> str:
    """Returns the name of the OpenID Connect provider; "" when none is configured."""
    return str(settings.OPENID.get("name", ""))


@register.filter
def browser_name(agent: str) -> str:
    """Returns browser and system of a User-Agent, as in "Firefox on Windows"; an unknown one is returned unchanged."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    names = {"browser": browser, "system": system}
    return _("%(browser)s on %(system)s") % names if browser and system else agent


@register.filter
def as_json(value: Any) -> str:
    """Returns the value as JSON, for an attribute that a script reads."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.filter
def status_label(status: str) -> str:
    """Returns the label of a status."""
    return str(STATUS_DISPLAY.get(status, ("", status))[1])


@register.simple_tag
def when(at: datetime | None, otherwise: str | None = None, *, exact: bool = False) -> SafeString | str:
    """Renders a time with its zone, `exact` to the second. A script rewrites it in the zone of the reader's browser."""
    if at is None:
        return _("never") if otherwise is None else otherwise
    at = timezone.localtime(at)
    clock = f"{at:%H:%M:%S}" if exact else f"{at:%H:%M}"
    shown = f"{at.day} {at:%b %Y}, {clock} {at.tzname()}"
    precision = "exact" if exact else ""
    return format_html(
        '<time datetime="{}" data-when="{}">{}</time>', at.isoformat(timespec="seconds"), precision, shown
    )


@register.simple_tag
def between(first: datetime, last: datetime) -> SafeString | str:
    """Renders a span of time as short as possible: one moment, or clock times within one day, or two full times."""
    if first == last:
        return when(first, exact=True)
    ends = [timezone.localtime(at) for at in (first, last)]
    clocks = [f"{at:%H:%M}" for at in ends]
    if ends[0].date() != ends[1].date():
        return format_html("{} &ndash; {}", when(first), when(last))
    times = [
        format_html('<time datetime="{}" data-clock>{}</time>', at.isoformat(timespec="seconds"), clock)
        for at, clock in zip(ends, clocks, strict=True)
    ]
    return times[0] if clocks[0] == clocks[1] else format_html("{}&ndash;{}", *times)


@register.filter
def ago(at: datetime | None) -> str:
    """Returns how many days ago a time was. Only days, so that an open live page does not change by the clock alone."""
    if at is None:
        return _("never")
    days = (timezone.localdate() - timezone.localtime(at).date()).days
    if days < 2:
        return _("today") if days <= 0 else _("yesterday")
    return ngettext("%(days)s day ago", "%(days)s days ago", days) % {"days": days}


@register.filter
def day(at: datetime) -> str:
    """Returns the day of a time in the reader's zone, with the year if it is not the current one."""
    at = timezone.localtime(at)
    return f"{at.day} {at:%b}" if at.year == timezone.localdate().year else f"{at.day} {at:%b %Y}"


@register.filter
def without_access(latest_message: str | None) -> bool:
    """Whether a project's latest export ended because its credential has no access to it."""
    return freshness.is_without_access(latest_message)


@register.filter
def is_stale(at: datetime | None) -> bool:
    """Whether a copy is older than 30 days."""
    return at is None or (timezone.now() - at).days > 30


def format_duration(seconds: float | timedelta | None) -> str:
    """Returns a duration (in seconds, if a number) in its two largest units, as in "4 min 7 s"; "" for None."""
    if seconds is None:
        return ""
    whole = round(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    units = ((whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s"))
    first = next((index for index, (count, _unit) in enumerate(units) if count), len(units) - 1)
    parts = [f"{count} {unit}" for count, unit in units[first : first + 2] if count]
    return " ".join(parts) or _("under 1 s")


@register.filter
def time_taken(export: Export) -> str:
    """Returns how long an ended export took from its creation; "" while it is open."""
    return format_duration(export.finished_at - export.created_at) if export.finished_at else ""


@register.filter
def kind_label(export: Export) -> str:
    """Returns the label of the export's kind; its type if the portal no longer has the kind."""
    try:
        return export.kind.label
    except KeyError:
        return export.type


@register.simple_tag
def export_heading(kind: Kind, project: object) -> str:
    """Returns the heading of a kind and a project: "Orders of …"; for a kind that changes, "Move to the archive: …"."""
    names = {"kind": kind.label, "project": project}
    return f"{kind.label}: {project}" if kind.effect == "changes" else _("%(kind)s of %(project)s") % names


@register.filter
def heading(export: Export) -> str:
    """Returns the heading of an export."""
    try:
        return export_heading(export.kind, export.project)
    except KeyError:
        return _("%(kind)s of %(project)s") % {"kind": export.type, "project": export.project}


@register.filter
def provider_label(source: Credential | str) -> str:
    """Returns the provider's label for a credential or a slug; the slug if the portal no longer has the provider."""
    slug = source if isinstance(source, str) else source.provider
    provider = registry.PROVIDERS.get(slug)
    return provider.label if provider else slug


@register.filter
def source_label(source: str) -> str:
    """Returns the label of a change's source."""
    return str(SOURCE_LABELS.get(source, source))


@register.filter
def trigger_label(trigger: str) -> str:
    """Returns the label of an export's trigger."""
    return str(TRIGGER_LABELS.get(trigger, trigger))
