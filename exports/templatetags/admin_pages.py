"""Template tags of the admin site: times with their zone, and the values of read-only fields."""

import json
from datetime import datetime
from typing import Any, Final

from django import template
from django.contrib.admin.helpers import AdminReadonlyField
from django.contrib.admin.utils import lookup_field
from django.core.exceptions import ObjectDoesNotExist
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from exports.models import Credential, Export
from exports.providers import registry
from exports.templatetags.elements import status_badge, tone_state
from exports.templatetags.times import exact_time, file_size, relative_time

register = template.Library()

NOTHING: Final = "\N{EM DASH}"
BYTES: Final = frozenset({"size", "kept_bytes", "quota_bytes", "needed_bytes", "largest_part_bytes"})


def zone_name(at: datetime) -> str:
    """Returns the short name of a time's zone: "CET", or "UTC+03" where the zone has none."""
    name = f"{at:%Z}"
    return name if name[:1].isalpha() else f"UTC{name}"


@register.simple_tag
def staff_time(at: datetime | None, otherwise: str = NOTHING, *, full: bool = False) -> SafeString | str:
    """Renders a time: relative, with date, seconds and zone on hover and focus; `full` shows both at once."""
    if at is None:
        return otherwise
    local = timezone.localtime(at)
    exact = f"{exact_time(local)} {zone_name(local)}"
    relative = relative_time(local, timezone.localtime())
    stamp = local.isoformat(timespec="seconds")
    if full:
        return format_html(
            '<time datetime="{}"><span class="rel">{}</span></time> <span class="sub">{}</span>', stamp, relative, exact
        )
    return format_html(
        '<time datetime="{}" data-exact="{}" tabindex="0"><span class="rel">{}</span><span class="exact">{}</span>'
        "</time>",
        stamp,
        exact,
        relative,
        exact,
    )


@register.simple_tag
def reader_zone() -> str:
    """Returns the zone of the times on this page: "Europe/Paris (CET)"."""
    now = timezone.localtime()
    name, short = timezone.get_current_timezone_name(), zone_name(now)
    return name if name == short else f"{name} ({short})"


@register.filter
def provider_label(slug: str) -> str:
    """Returns the name of a provider; the slug itself for one that the portal no longer has."""
    provider = registry.PROVIDERS.get(slug)
    return provider.label if provider else slug


@register.simple_tag
def fact(field: AdminReadonlyField) -> SafeString | str:
    """Renders the value of a read-only field by its kind: states as badges, times with zone, sizes in units."""
    name, row = field.field["field"], field.form.instance
    try:
        _column, _attribute, value = lookup_field(name, row, field.model_admin)
    except (AttributeError, ValueError, ObjectDoesNotExist):
        return NOTHING
    if value is None or value == "":
        return NOTHING
    if isinstance(value, datetime):
        return staff_time(value, full=True)
    if isinstance(value, bool):
        return yes_or_no(value)
    if isinstance(value, dict | list):
        return as_code(value)
    if isinstance(row, Export) and name == "status":
        return status_badge(str(value))
    if name in BYTES:
        return file_size(value)
    return str(field.contents()) if not hasattr(value, "__html__") else value


@register.simple_tag
def empty_facts(fieldset: Any) -> str:
    """Returns the labels of the read-only fields that have no value, which are named together."""
    fields = [field for line in fieldset for field in line if getattr(field, "is_readonly", False)]
    return ", ".join(str(field.field["label"]) for field in fields if fact(field) == NOTHING)


@register.simple_tag
def yes_or_no(value: bool) -> SafeString:
    """Renders a truth as icon and word."""
    return tone_state("", _("Yes"), "check") if value else tone_state("", _("No"), "min")


@register.filter
def as_code(value: Any) -> SafeString | str:
    """Renders a value of JSON, indented; nothing for an empty one."""
    if not value:
        return NOTHING
    return format_html('<pre class="mono">{}</pre>', json.dumps(value, ensure_ascii=False, indent=1))


@register.simple_tag
def credential_state(credential: Credential) -> SafeString:
    """Renders whether a credential works, as far as is known."""
    if credential.deleted_at is not None:
        return tone_state("", _("Deleted"), "trash")
    if credential.last_error:
        return tone_state("bad", _("Rejected"), "x-circle")
    if credential.paused_at is not None:
        return tone_state("", _("Paused"), "pause")
    if credential.checked_at is None and credential.used_at is None:
        return tone_state("", _("Not tested"), "dot")
    return tone_state("good", _("Works"), "check")
