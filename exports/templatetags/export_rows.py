"""What lists and the home say of days: how long ago, and until when."""

from collections.abc import Hashable
from datetime import datetime
from typing import Any, Final, Protocol

from django import template
from django.conf import settings
from django.template import loader
from django.utils import timezone, translation
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports.models import Export
from exports.templatetags.pages import icon

register = template.Library()

MAX_CACHED_ROWS: Final = 2000
_rows: dict[Hashable, str] = {}
CACHE_KEY_FIELDS: Final = ("pk", "status", "progress", "type", "format", "error_message", "wait_note", "trigger", "created_at",
                    "finished_at")  # fmt: skip


class _Act(Protocol):
    label: str
    icon: str
    href: str
    post: bool
    name: str
    value: str
    variant: str


class _Row(Protocol):
    export: Export
    href: str
    primary_action: _Act | None
    other_actions: list[_Act]
    usual_duration: Any


@register.simple_tag
def export_row(row: _Row, choosing: object = "") -> SafeString:
    """A row of a list. Rows change seldom and are shown often, so what was made of the same values is kept."""
    key = _key(row, bool(choosing))
    made = _rows.get(key)
    if made is None:
        context = {"row": row, "export": row.export, "choosing": bool(choosing)}
        made = loader.get_template("exports/partials/export_row.html").render(context)
        if len(_rows) >= MAX_CACHED_ROWS:
            _rows.clear()
        _rows[key] = made
    return SafeString(made)


def _key(row: _Row, choosing: bool) -> Hashable:
    """All that a row shows, and for whom: what is missing here would be shown as it once was."""
    export, project, file = row.export, row.export.project, row.export.file
    return (
        *(getattr(export, name) for name in CACHE_KEY_FIELDS),
        (project.name, project.remote_id, project.credential.provider, export.user.display_name),
        file and (file.size, file.expires_at, file.deleted_at),
        (row.href, row.primary_action, tuple(row.other_actions), row.usual_duration and str(row.usual_duration)),
        choosing,
        (
            settings.USE_I18N,
            translation.get_language(),
            timezone.get_current_timezone_name(),
            timezone.localdate().year,
        ),
    )


@register.simple_tag
def export_actions(row: _Row) -> SafeString:
    """What an export in a list offers: one button, and a menu of the rest.

    Made here and not by a template, for which a list of these is half the work of its page.
    """
    pk = row.export.pk
    primary_action = ""
    if row.primary_action:
        about = SafeString(icon(row.primary_action.icon) + escape(row.primary_action.label))
        unseen = format_html('<span class="unseen"> {}</span>', _("export %(pk)s") % {"pk": pk})
        primary_action = _button(row.primary_action, f"a{pk}", "small", about + unseen)
    if not row.other_actions:
        return SafeString(primary_action)
    buttons = [
        _button(act, f"b{pk}-{place}", f"small {act.variant}" if act.post else "small", conditional_escape(act.label))
        for place, act in enumerate(row.other_actions, 1)
    ]
    menu = format_html(
        '<details class="menu" id="m{}"><summary id="s{}" aria-label="{}">'
        '<span aria-hidden="true">···</span></summary>',
        pk,
        pk,
        _("More for export %(pk)s") % {"pk": pk},
    )
    return SafeString(f"{primary_action}{menu}<ul><li>{'</li><li>'.join(buttons)}</li></ul></details>")


def _button(act: _Act, id_: str, variant: str, text: SafeString) -> SafeString:
    """A link, or a button that sends; `text` is safe, and everything else is escaped here."""
    if not act.post:
        return format_html('<a class="button {}" id="{}" href="{}">{}</a>', variant, id_, act.href, text)
    sent = format_html(' name="{}" value="{}"', act.name, act.value) if act.name else ""
    return format_html(
        '<button type="submit" form="act" class="{}" id="{}" formaction="{}"{}>{}</button>',
        variant,
        id_,
        act.href,
        sent,
        text,
    )


@register.filter
def ago(at: datetime | None) -> str:
    """How long ago, coarsely: a page that stays open shall not change by the clock alone."""
    if at is None:
        return _("never")
    days = (timezone.localdate() - timezone.localtime(at).date()).days
    if days < 2:
        return _("today") if days <= 0 else _("yesterday")
    return ngettext("%(days)s day ago", "%(days)s days ago", days) % {"days": days}


@register.filter
def day(at: datetime) -> str:
    """A day, in the zone of whoever reads; the year where it is another one."""
    at = timezone.localtime(at)
    return f"{at.day} {at:%b}" if at.year == timezone.localdate().year else f"{at.day} {at:%b %Y}"


@register.filter
def is_stale(at: datetime | None) -> bool:
    """Whether a copy is older than a month."""
    return at is None or (timezone.now() - at).days > 30
