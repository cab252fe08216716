"""The template tag that renders the actions of an export's row."""

from typing import Protocol

from django import template
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from exports.models import Export
from exports.templatetags.pages import icon

register = template.Library()


class _Action(Protocol):
    """The part of `web.export_rows.ExportAction` that is rendered; this package may not import it."""

    label: str
    icon: str
    href: str
    post: bool
    name: str
    value: str
    variant: str


class _Row(Protocol):
    """The part of `web.export_rows.ExportRow` that is rendered."""

    export: Export
    primary_action: _Action | None
    other_actions: list[_Action]


@register.simple_tag
def export_actions(row: _Row) -> SafeString:
    """Renders the primary action as a button and the others as a menu.

    Written in Python because a template for it takes half of the rendering time of a list page.
    """
    primary = _primary_button(row.primary_action, row.export.pk) if row.primary_action else ""
    menu = _menu(row.other_actions, row.export.pk) if row.other_actions else ""
    return SafeString(primary + menu)


def _primary_button(action: _Action, pk: int) -> SafeString:
    text = SafeString(icon(action.icon) + escape(action.label))
    unseen = format_html('<span class="unseen"> {}</span>', _("export %(pk)s") % {"pk": pk})
    return _button(action, f"a{pk}", "small", text + unseen)


def _menu(actions: list[_Action], pk: int) -> SafeString:
    buttons = [
        _button(
            action,
            f"b{pk}-{index}",
            f"small {action.variant}" if action.post else "small",
            conditional_escape(action.label),
        )
        for index, action in enumerate(actions, 1)
    ]
    summary = format_html(
        '<details class="menu" id="m{}"><summary id="s{}" aria-label="{}">'
        '<span aria-hidden="true">···</span></summary>',
        pk,
        pk,
        _("More for export %(pk)s") % {"pk": pk},
    )
    return SafeString(f"{summary}<ul><li>{'</li><li>'.join(buttons)}</li></ul></details>")


def _button(action: _Action, id_: str, css_class: str, text: SafeString) -> SafeString:
    """Returns a link, or a submit button if the action is a POST. `text` is safe HTML; everything else is escaped."""
    if not action.post:
        return format_html('<a class="button {}" id="{}" href="{}">{}</a>', css_class, id_, action.href, text)
    field = format_html(' name="{}" value="{}"', action.name, action.value) if action.name else ""
    return format_html(
        '<button type="submit" form="act" class="{}" id="{}" formaction="{}"{}>{}</button>',
        css_class,
        id_,
        action.href,
        field,
        text,
    )
