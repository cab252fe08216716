"""Template tags and filters of pages: labels of exports, providers, browsers, and what JSON needs."""

import json
import re
from datetime import datetime
from typing import Any, Final

from django import template
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import formats
from exports.exporting import freshness
from exports.models import Credential, Export
from exports.providers import registry
from exports.providers.contract import Kind
from exports.sentences import translated as in_active_language
from exports.templatetags.times import format_duration

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
SOURCE_LABELS: Final = {
    "person": _l("Website"),
    "api": _l("API"),
    "schedule": _l("Schedule"),
    "worker": _l("Portal"),
    "poll": _l("Provider"),
    "webhook": _l("Webhook of the provider"),
    "watchdog": _l("Timeout"),
    "staff": _l("Admin"),
}
NUMBER: Final = re.compile(r"[-+]?\d[\d,. \u00a0]*%?")
TRIGGER_LABELS: Final = {
    "person": _l("on the website"),
    "api": _l("by the API"),
    "command": _l("by a command"),
    "schedule": _l("by a schedule"),
    "retry": _l("as a retry"),
    "adopt": _l("by following a job"),
}


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
def translated(text: object) -> str:
    """Returns a sentence of a worker, a service or a provider's file in the reader's language."""
    return in_active_language(text)


@register.filter
def as_json(value: Any) -> str:
    """Returns the value as JSON, for an attribute that a script reads."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.filter
def without_access(latest_message: str | None) -> bool:
    """Whether a project's latest export ended because its credential has no access to it."""
    return freshness.is_without_access(latest_message)


@register.filter
def is_stale(at: datetime | None) -> bool:
    """Whether a copy is older than 30 days."""
    return at is None or (timezone.now() - at).days > 30


@register.filter
def time_taken(export: Export) -> str:
    """Returns how long an ended export took from its creation; "" while it is open."""
    return format_duration(export.finished_at - export.created_at) if export.finished_at else ""


@register.filter
def kind_label(export: Export) -> str:
    """Returns the label of the export's kind; its type if the portal no longer has the kind."""
    try:
        return in_active_language(export.kind.label)
    except KeyError:
        return export.type


@register.simple_tag
def export_heading(kind: Kind, project: object) -> str:
    """Returns the heading of a kind and a project: "Orders of …"; for a kind that changes, "Archive project: …"."""
    names = {"kind": in_active_language(kind.label), "project": project}
    return _("%(kind)s: %(project)s") % names if kind.effect == "changes" else _("%(kind)s of %(project)s") % names


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


@register.filter
def has_member_pages(format_: str) -> bool:
    """Returns whether the members of archives of this format can be opened one by one."""
    return formats.get_format(format_).has_member_pages


@register.filter
def format_icon(format_: str) -> str:
    """Returns the icon of a file format."""
    return formats.get_format(format_).icon


@register.filter
def looks_like_a_number(text: str) -> bool:
    """Whether a cell of a table is a number, which is aligned to the right."""
    return bool(NUMBER.fullmatch(text))
