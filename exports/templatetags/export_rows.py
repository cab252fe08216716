"""The template tag that renders the actions of an export's row."""

from typing import Protocol

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from exports.models import Export
from exports.templatetags.elements import icon

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
        _button(action, f"b{pk}-{index}", action.variant, icon(action.icon) + conditional_escape(action.label))
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
    """Returns a link, or a submit button if the action is a POST. `content` and `attributes` are safe HTML."""
    content, attributes = SafeString(content), SafeString(attributes)
    if not action.post:
        return format_html('<a class="{}" id="{}" href="{}"{}>{}</a>', css_class, id_, action.href, attributes, content)
    field = format_html(' name="{}" value="{}"', action.name, action.value) if action.name else ""
    return format_html(
        '<button type="submit" form="act" class="{}" id="{}" formaction="{}"{}{}>{}</button>',
        css_class,
        id_,
        action.href,
        field,
        attributes,
        content,
    )
