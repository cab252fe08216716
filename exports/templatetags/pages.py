"""What templates say in many places: states, times, sizes, names of declarations."""

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

from exports import states
from exports.models import Credential, Export
from exports.providers import registry
from exports.providers.contract import Kind

register = template.Library()

# What a browser's long name holds, the telling part first: each but the last names later ones as well.
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
# Status to its icon and its word; never a color alone.
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
    "schedule": _l("by a schedule"),
    "retry": _l("as a retry"),
    "adopt": _l("watching a job that ran already"),
}


@register.simple_tag
@lru_cache(maxsize=256)  # pages show hundreds of the same few
def icon(name: str) -> SafeString:
    """An icon, which is never alone: a word stands beside it."""
    href = f"{static('exports/icons.svg')}#{name}"
    return format_html('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}"></use></svg>', href)


@register.simple_tag
def state(status: str) -> SafeString:
    """A status as icon and word."""
    name, word = STATUS_DISPLAY.get(status, ("clock", status))
    return format_html('<span class="state state-{}">{}{}</span>', status, icon(name), word)


@register.simple_tag
def second_factor_badge(has_factor: bool) -> SafeString:
    """Whether somebody has a second factor, as icon and word."""
    name, word, look = ("shield", _("yes"), "yes") if has_factor else ("empty", _("none"), "muted")
    return format_html('<span class="{} nowrap">{} {}</span>', look, icon(name), word)


@register.simple_tag
def openid_name() -> str:
    """What the provider is called that people may sign in with; "" without one."""
    return str(settings.OPENID.get("name", ""))


@register.filter
def browser_name(agent: str) -> str:
    """A browser's name as people know it, "Firefox on Windows"; what cannot be read so, as it is."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    said = {"browser": browser, "system": system}
    return _("%(browser)s on %(system)s") % said if browser and system else agent


@register.filter
def as_json(value: Any) -> str:
    """For an attribute that a script reads."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.filter
def status_label(status: str) -> str:
    """A status as a word."""
    return str(STATUS_DISPLAY.get(status, ("", status))[1])


@register.simple_tag
def when(at: datetime | None, otherwise: str | None = None, *, exact: bool = False) -> SafeString | str:
    """A time with its zone, `exact` to the second; where scripts run it is shown in the reader's own zone."""
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
    """A span of time, as short as it can be said: one moment, one minute, one day by the clock alone, or more."""
    if first == last:
        return when(first, exact=True)
    ends = [timezone.localtime(at) for at in (first, last)]
    clocks = [f"{at:%H:%M}" for at in ends]
    if ends[0].date() != ends[1].date():
        return format_html("{} &ndash; {}", when(first), when(last))
    said = [
        format_html('<time datetime="{}" data-clock>{}</time>', at.isoformat(timespec="seconds"), clock)
        for at, clock in zip(ends, clocks, strict=True)
    ]
    return said[0] if clocks[0] == clocks[1] else format_html("{}&ndash;{}", *said)


@register.filter
def format_duration(seconds: float | timedelta | None) -> str:
    """A length of time in the two largest units."""
    if seconds is None:
        return ""
    whole = round(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    units = ((whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s"))
    first = next((place for place, (count, _unit) in enumerate(units) if count), len(units) - 1)
    said = [f"{count} {unit}" for count, unit in units[first : first + 2] if count]
    return " ".join(said) or _("under 1 s")


@register.filter
def time_taken(export: Export) -> str:
    """How long an ended export took, from asking to its end."""
    return format_duration(export.finished_at - export.created_at) if export.finished_at else ""


@register.filter
def kind_label(export: Export) -> str:
    """What the kind is called; its bare type where the portal no longer has the kind."""
    try:
        return export.kind.label
    except KeyError:
        return export.type


@register.simple_tag
def export_heading(kind: Kind, project: object) -> str:
    """What an export does to a project, as a heading: "Orders of …", "Move to the archive: …"."""
    said = {"kind": kind.label, "project": project}
    return f"{kind.label}: {project}" if kind.effect == "changes" else _("%(kind)s of %(project)s") % said


@register.filter
def heading(export: Export) -> str:
    """What an export is, as a heading."""
    try:
        return export_heading(export.kind, export.project)
    except KeyError:
        return _("%(kind)s of %(project)s") % {"kind": export.type, "project": export.project}


@register.filter
def provider_label(thing: Credential | str) -> str:
    """What the provider is called; its bare slug where the portal no longer has it."""
    slug = thing if isinstance(thing, str) else thing.provider
    provider = registry.PROVIDERS.get(slug)
    return provider.label if provider else slug


@register.filter
def source_label(source: str) -> str:
    """Who or what caused a change."""
    return str(SOURCE_LABELS.get(source, source))


@register.filter
def trigger_label(trigger: str) -> str:
    """How an export was asked for."""
    return str(TRIGGER_LABELS.get(trigger, trigger))
