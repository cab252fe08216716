"""What templates say in many places: states, times, sizes, names of declarations."""

from datetime import datetime, timedelta
from typing import Final

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from exports import states
from exports.models import Credential, Export
from exports.providers import registry
from exports.providers.base import Kind

register = template.Library()

# Status to its icon and its word; never a color alone.
FACES: Final = {
    states.WAITING: ("clock", "Waiting"),
    states.PROCESSING: ("turning", "Processing"),
    states.SUCCEEDED: ("check", "Succeeded"),
    states.FAILED: ("cross", "Failed"),
    states.CANCELED: ("stop", "Canceled"),
}
SOURCES: Final = {
    "person": "A person",
    "api": "Through the API",
    "schedule": "A schedule",
    "worker": "The portal's worker",
    "poll": "The provider's answer",
    "webhook": "The provider's webhook",
    "watchdog": "The portal's watchdog",
    "staff": "The portal's staff",
}
TRIGGERS: Final = {
    "person": "on a page",
    "api": "through the API",
    "schedule": "by a schedule",
    "retry": "as a retry",
    "adopt": "watching a job that ran already",
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon, which is never alone: a word stands beside it."""
    href = f"{static('exports/icons.svg')}#{name}"
    return format_html('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}"></use></svg>', href)


@register.simple_tag
def state(status: str) -> SafeString:
    """A status as icon and word."""
    name, word = FACES.get(status, ("clock", status))
    return format_html('<span class="state state-{}">{}{}</span>', status, icon(name), word)


@register.filter
def state_word(status: str) -> str:
    """A status as a word."""
    return FACES.get(status, ("", status))[1]


@register.simple_tag
def when(at: datetime | None, otherwise: str = "never", *, exact: bool = False) -> SafeString | str:
    """A time with its zone, `exact` to the second; where scripts run it is shown in the reader's own zone."""
    if at is None:
        return otherwise
    at = timezone.localtime(at)
    clock = f"{at:%H:%M:%S}" if exact else f"{at:%H:%M}"
    shown = f"{at.day} {at:%b %Y}, {clock} {at.tzname()}"
    precision = "exact" if exact else ""
    return format_html(
        '<time datetime="{}" data-when="{}">{}</time>', at.isoformat(timespec="seconds"), precision, shown
    )


@register.filter
def lasting(seconds: float | timedelta | None) -> str:
    """A length of time in the two largest units."""
    if seconds is None:
        return ""
    whole = round(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    units = ((whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s"))
    first = next((place for place, (count, _) in enumerate(units) if count), len(units) - 1)
    said = [f"{count} {unit}" for count, unit in units[first : first + 2] if count]
    return " ".join(said) or "under 1 s"


@register.filter
def took(export: Export) -> str:
    """How long an ended export took, from asking to its end."""
    return lasting(export.finished_at - export.created_at) if export.finished_at else ""


@register.filter
def kind_label(export: Export) -> str:
    """What the kind is called; its bare type where the portal no longer has the kind."""
    try:
        return export.kind.label
    except KeyError:
        return export.type


@register.simple_tag
def asked_for(kind: Kind, project: object) -> str:
    """What an export does to a project, as a heading: "Orders of …", "Move to the archive: …"."""
    return f"{kind.label}: {project}" if kind.effect == "changes" else f"{kind.label} of {project}"


@register.filter
def heading(export: Export) -> str:
    """What an export is, as a heading."""
    try:
        return asked_for(export.kind, export.project)
    except KeyError:
        return f"{export.type} of {export.project}"


@register.filter
def provider_label(thing: Credential | str) -> str:
    """What the provider is called; its bare slug where the portal no longer has it."""
    slug = thing if isinstance(thing, str) else thing.provider
    provider = registry.PROVIDERS.get(slug)
    return provider.label if provider else slug


@register.filter
def source_word(source: str) -> str:
    """Who or what caused a change."""
    return SOURCES.get(source, source)


@register.filter
def trigger_word(trigger: str) -> str:
    """How an export was asked for."""
    return TRIGGERS.get(trigger, trigger)
