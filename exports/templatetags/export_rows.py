"""The template tag that renders the actions of an export's row."""

from html import escape
from typing import Protocol

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from exports.models import Export
from exports.templatetags.elements import icon, render_once

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
    """Renders the primary action as an icon button and the others as a menu.

    Written in Python because a template for it takes half of the rendering time of a list page.
    """
    primary = _primary_button(row.primary_action, row.export.pk) if row.primary_action else ""
    menu = _menu(row, row.export.pk)
    return SafeString(primary + menu)


@register.simple_tag
def first_action(row: _Row) -> SafeString:
    """Renders the primary action alone, as a button with its label."""
    action = row.primary_action
    if action is None:
        return SafeString("")
    unseen = format_html('<span class="unseen">, {}</span>', _("export %(pk)s") % {"pk": row.export.pk})
    return _button(action, f"a{row.export.pk}", "btn sm", icon(action.icon) + conditional_escape(action.label) + unseen)


def _primary_button(action: _Action, pk: int) -> SafeString:
    name = _("%(action)s, export %(pk)s") % {"action": action.label, "pk": pk}
    attributes = format_html(' aria-label="{}" data-tip="{}"', name, action.label)
    return _button(action, f"a{pk}", "btn ghost sm icon", icon(action.icon), attributes)


def _menu(row: _Row, pk: int) -> SafeString:
    """Renders the menu. It names the primary action too, since on a phone the row has the menu alone."""
    actions = [*([row.primary_action] if row.primary_action else []), *row.other_actions]
    if not actions:
        return SafeString("")
    buttons = [
        _button(action, f"b{pk}-{index}", action.variant, _item(action.icon, str(action.label)))
        for index, action in enumerate(actions)
    ]
    summary = format_html(
        '<details class="menu" id="m{}"><summary class="btn ghost sm icon" id="s{}" aria-label="{}">{}</summary>',
        pk,
        pk,
        _("More for export %(pk)s") % {"pk": pk},
        icon("more"),
    )
    return SafeString(f'{summary}<div class="pop">{"".join(buttons)}</div></details>')


def _button(action: _Action, id_: str, css_class: str, content: str, attributes: str = "") -> SafeString:
    """Returns a link, or a submit button if the action is a POST. `content` and `attributes` are safe HTML.

    `format_html` would take a third of the time of a list page for its two hundred buttons.
    """
    href = escape(action.href)
    if not action.post:
        return SafeString(f'<a class="{css_class}" id="{id_}" href="{href}"{attributes}>{content}</a>')
    field = f' name="{escape(action.name)}" value="{escape(action.value)}"' if action.name else ""
    return SafeString(
        f'<button type="submit" form="act" class="{css_class}" id="{id_}" formaction="{href}"{field}{attributes}>'
        f"{content}</button>"
    )


@render_once
def _item(icon_name: str, label: str) -> SafeString:
    """What an item of a menu says."""
    return icon(icon_name) + conditional_escape(label)
