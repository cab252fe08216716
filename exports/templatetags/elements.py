"""Template tags of the small elements that pages are made of: icons, states, badges, marks, avatars, ticks."""

import zlib
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Final, ParamSpec

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import states
from exports.models import Credential, User
from exports.providers import registry

register = template.Library()

# Tone, icon and label of each status; a state is never shown by color alone.
STATUS_DISPLAY: Final = {
    states.WAITING: ("wait", "clock", _l("Waiting")),
    states.PROCESSING: ("run", "load", _l("Running")),
    states.SUCCEEDED: ("good", "check", _l("Succeeded")),
    states.FAILED: ("bad", "x-circle", _l("Failed")),
    states.CANCELED: ("off", "slash", _l("Canceled")),
}
AVATAR_TONES: Final = 5
PHASE_COUNT: Final = 4


P = ParamSpec("P")


def render_once(render: Callable[P, SafeString]) -> Callable[P, SafeString]:
    """Keeps what a function renders, by its arguments and by the address of the icons' file, which drawings name.

    A page has hundreds of the same few. What depends on the language must be among the arguments.
    """

    @lru_cache(maxsize=1024)
    def keep(_static_url: str, *args: Any, **kwargs: Any) -> SafeString:
        return render(*args, **kwargs)

    @wraps(render)
    def rendered(*args: P.args, **kwargs: P.kwargs) -> SafeString:
        hashable: dict[str, Any] = kwargs
        return keep(settings.STATIC_URL, *args, **hashable)

    return rendered


@register.simple_tag
@render_once
def icon(name: str, css_class: str = "", label: str = "") -> SafeString:
    """Renders an icon of icons.svg. Without a `label` it is hidden from screen readers, so a text stands beside it.

    `css_class`: "s" or "l" for smaller and larger ones, "spin" for what turns, "is-good" and so on for colors.
    """
    href = f"{static('exports/icons.svg')}#{name}"
    name_of = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    classes = f"i {css_class}".strip()
    return format_html('<svg class="{}" {} focusable="false"><use href="{}"></use></svg>', classes, name_of, href)


@register.simple_tag
def state(status: str) -> SafeString:
    """Renders a status of an export as icon and word, for rows."""
    return _status(status, "state")


@register.simple_tag
def status_badge(status: str) -> SafeString:
    """Renders a status of an export as a large badge, for headings."""
    return _status(status, "badge big")


def _status(status: str, css_class: str) -> SafeString:
    tone, icon_name, label = STATUS_DISPLAY.get(status, ("wait", "clock", status))
    return _status_html(status, css_class, tone, icon_name, str(label))


@render_once
def _status_html(status: str, css_class: str, tone: str, icon_name: str, label: str) -> SafeString:
    drawing = icon(icon_name, "spin" if tone == "run" else "")
    return format_html('<span class="{} {} state-{}">{}{}</span>', css_class, tone, status, drawing, label)


@register.filter
def status_label(status: str) -> str:
    """Returns the label of a status."""
    return str(STATUS_DISPLAY[status][2]) if status in STATUS_DISPLAY else status


@register.filter
def status_tone_class(status: str) -> str:
    """Returns the class of a status's color, for icons: "is-good", or "" for states that have none."""
    tone = STATUS_DISPLAY[status][0] if status in STATUS_DISPLAY else ""
    return f"is-{tone}" if tone in ("good", "bad", "run") else ""


@register.filter
def status_icon(status: str) -> str:
    """Returns the name of a status's icon."""
    return STATUS_DISPLAY[status][1] if status in STATUS_DISPLAY else "dot"


@register.simple_tag
def badge(tone: str, text: str, icon_name: str = "") -> SafeString:
    """Renders a badge. `tone`: good, run, bad, warn, accent or "" for none of them."""
    drawing = icon(icon_name, "spin" if icon_name == "load" else "") if icon_name else ""
    return format_html('<span class="badge {}{}">{}{}</span>', tone, "" if icon_name else " word", drawing, text)


@register.simple_tag
def tone_state(tone: str, text: str, icon_name: str) -> SafeString:
    """Renders icon and word in the color of a state, without a badge, for rows. `tone` as in `badge`."""
    return format_html('<span class="state {}">{}{}</span>', tone, icon(icon_name), text)


@register.simple_tag
def mark(source: Credential | str, css_class: str = "") -> SafeString:
    """Renders the mark of a provider, for a credential or a slug, with its name for screen readers and on hover."""
    return _mark(source if isinstance(source, str) else source.provider, css_class)


@render_once
def _mark(slug: str, css_class: str) -> SafeString:
    provider = registry.PROVIDERS.get(slug)
    label, icon_name, hue = (provider.label, provider.icon, provider.hue) if provider else (slug, "box", "")
    classes = f"mark {hue} {css_class}".strip()
    return format_html(
        '<span class="{}" data-tip="{}">{}<span class="unseen">{}</span></span>', classes, label, icon(icon_name), label
    )


@register.simple_tag
def avatar(person: User | str | None, css_class: str = "s", icon_name: str = "person") -> SafeString:
    """Renders a person's initials, or an icon where there is no person. It is hidden from screen readers."""
    return _avatar(person.display_name if isinstance(person, User) else (person or ""), css_class, icon_name)


@render_once
def _avatar(name: str, css_class: str, icon_name: str) -> SafeString:
    if not name:
        return format_html('<span class="av {}" aria-hidden="true">{}</span>', css_class, icon(icon_name))
    tone = zlib.crc32(name.encode()) % AVATAR_TONES + 1
    return format_html('<span class="av {} a{}" aria-hidden="true">{}</span>', css_class, tone, initials(name))


def initials(name: str) -> str:
    """Returns the first letters of the first and last word of a name or an address."""
    words = [word for word in name.partition("@")[0].replace(".", " ").replace("-", " ").split() if word]
    letters = [words[0], words[-1]] if len(words) > 1 else words or [name]
    return "".join(word[0] for word in letters).upper()


@register.simple_tag
def ticks(done: int, label: str) -> SafeString:
    """Renders the four phases of an export small: `done` are over, and the next one runs."""
    marks = (("d" if index < done else "n" if index == done else "",) for index in range(PHASE_COUNT))
    drawing = format_html_join("", '<i class="{}"></i>', marks)
    return format_html('<span class="ticks" role="img" aria-label="{}">{}</span>', label, drawing)


@register.simple_tag
def second_factor_badge(has_factor: bool) -> SafeString:
    """Renders whether a user has a second factor, as icon and label."""
    return tone_state("good", _("On"), "shield") if has_factor else tone_state("", _("Off"), "ring")
