"""Template tags of charts: SVG made here, with geometry as attributes and colors by class.

Texts of axes are HTML around the SVG, so they are never stretched. Every chart has an accessible name, and one of more
than a few values has a table beside it in the template. Times and sizes belong to the texts, never to the drawing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

register = template.Library()

# What one step of the vertical axis may be, so that it has at most four.
ROUND_STEPS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000)
HEIGHT: Final = 100
MAX_STEPS: Final = 4


@dataclass(frozen=True)
class Day:
    """How many exports of a day ended in which way. `href` leads to them, `label` names the day."""

    label: str
    href: str
    succeeded: int = 0
    failed: int = 0
    canceled: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.succeeded + self.failed + self.canceled

    @property
    def description(self) -> str:
        """The numbers as a sentence."""
        numbers = {"day": self.label, "good": self.succeeded, "bad": self.failed, "off": self.canceled}
        return _("%(day)s: %(good)s succeeded, %(bad)s failed, %(off)s canceled") % numbers


def axis_values(days: Sequence[Day]) -> list[int]:
    """Returns the round numbers of the vertical axis, the greatest first, down to 0."""
    most = max((day.total for day in days), default=0) or 1
    step = next((step for step in ROUND_STEPS if most / step <= MAX_STEPS), most)
    return list(range(-(-most // step) * step, -1, -step))


@register.filter
def axis(days: Sequence[Day]) -> list[int]:
    """Returns the numbers of the vertical axis of these days."""
    return axis_values(days)


@register.simple_tag
def day_bars(days: Sequence[Day], name: str) -> SafeString:
    """Renders stacked bars, one a day: succeeded, failed, canceled from the bottom. Each is a link to its exports."""
    values = axis_values(days)
    top = values[0]
    lines = format_html_join(
        "",
        '<line class="grid" x1="0" x2="{}" y1="{}" y2="{}"/>',
        ((len(days) * 10, HEIGHT - HEIGHT * value / top, HEIGHT - HEIGHT * value / top) for value in values),
    )
    bars = SafeString("".join(_linked_bar(day, index, top, get_language()) for index, day in enumerate(days)))
    box = f"0 0 {len(days) * 10} {HEIGHT}"
    return format_html(
        '<svg class="bars" viewBox="{}" preserveAspectRatio="none" role="group" aria-label="{}">{}{}</svg>',
        box,
        name,
        lines,
        bars,
    )


@lru_cache(maxsize=2048)  # Of the days of a team, only today changes while its home page is open.
def _linked_bar(day: Day, index: int, top: int, language: str | None) -> SafeString:
    """Renders one bar as a link to its exports, with the numbers as its title."""
    return format_html(
        '<a href="{}" tabindex="-1" aria-hidden="true"><title>{}</title>'
        '<rect class="hit" x="{}" y="0" width="10" height="100"/>{}</a>',
        day.href,
        day.description,
        index * 10,
        _bar(day, index, top),
    )


def _bar(day: Day, index: int, top: int) -> SafeString:
    """Renders the parts of one bar, each a little shorter than its value so that they are seen apart."""
    bottom, parts = float(HEIGHT), []
    for css_class, number in (("f-good", day.succeeded), ("f-bad", day.failed), ("f-idle", day.canceled)):
        if number:
            height = number / top * HEIGHT
            bottom -= height
            parts.append((css_class, index * 10 + 2, f"{bottom:.2f}", f"{max(height - 0.8, 0.8):.2f}"))
    return format_html_join("", '<rect class="{}" x="{}" y="{}" width="6" height="{}"/>', parts)


@register.simple_tag
def sparkline(values: Sequence[float], label: str = "", tone: str = "", css_class: str = "") -> SafeString:
    """Renders a line of values; "" for fewer than two. Without a `label` it is hidden from screen readers.

    The last value stands beside it as text. `tone`: "good", "idle", or "" for the accent. `css_class`: "s" in rows.
    """
    if len(values) < 2:
        return SafeString("")
    low, span = min(values), (max(values) - min(values)) or 1
    steps = len(values) - 1
    points = " ".join(f"{k * 100 / steps:.1f},{22 - (value - low) / span * 20:.1f}" for k, value in enumerate(values))
    return format_html(
        '<svg class="spark {}" viewBox="0 0 100 24" preserveAspectRatio="none" {}>'
        '<polygon class="a {}" points="0,24 {} 100,24"/><polyline class="l {}" points="{}"/></svg>',
        css_class,
        _naming(label),
        tone,
        points,
        tone,
        points,
    )


@register.simple_tag
def meter(label: str, *parts: str | float, css_class: str = "") -> SafeString:
    """Renders shares of a whole: `{% meter label "f-good" 70 "f-warn" 12 %}`, in percent. `css_class`: "tall"."""
    left, drawn = 0.0, []
    for css, share in zip(parts[::2], parts[1::2], strict=True):
        width = min(float(share), 100 - left)
        if width > 0:
            drawn.append((css, f"{left:g}", f"{max(width - 0.5, 0.3):.2f}"))
        left += width
    rects = format_html_join("", '<rect class="{}" x="{}" y="0" width="{}" height="10"/>', drawn)
    return format_html(
        '<svg class="meter {}" viewBox="0 0 100 10" preserveAspectRatio="none" {}>'
        '<rect class="f-none" x="0" y="0" width="100" height="10"/>{}</svg>',
        css_class,
        _naming(label),
        rects,
    )


@register.simple_tag
def ribbon(tones: Sequence[str], label: str, css_class: str = "") -> SafeString:
    """Renders a strip with one block a day. `tones`: good, bad, warn, idle, none. `css_class`: "s" in rows."""
    blocks = format_html_join(
        "",
        '<rect class="f-{}" x="{}" y="0" width="8" height="24"/>',
        ((tone, index * 10 + 1) for index, tone in enumerate(tones)),
    )
    box = f"0 0 {len(tones) * 10} 24"
    return format_html(
        '<svg class="ribbon {}" viewBox="{}" preserveAspectRatio="none" {}>{}</svg>',
        css_class,
        box,
        _naming(label),
        blocks,
    )


@register.simple_tag
def usual_range(low: float, high: float, value: float, label: str = "", css_class: str = "") -> SafeString:
    """Renders a value as a pin above its usual range; the scale ends a quarter above the greatest of the three.

    Without a `label` it is hidden from screen readers: value and range stand beside it. The pin moves in steps of a
    fortieth, so that a live page is drawn anew only when that is seen.
    """
    scale = max(low, high, value, 1e-9) * 1.25
    pin = round(value / scale * 40) * 2.5
    return format_html(
        '<svg class="range {}" viewBox="0 0 100 20" preserveAspectRatio="none" {}>'
        '<rect class="track" x="0" y="8" width="100" height="4"/>'
        '<rect class="usual" x="{}" y="6" width="{}" height="8"/><rect class="pin" x="{}" y="2" width="1" height="16"/>'
        "</svg>",
        css_class,
        _naming(label),
        f"{low / scale * 100:.1f}",
        f"{max((high - low) / scale * 100, 1):.1f}",
        f"{min(pin, 99):g}",
    )


@register.simple_tag
def swatch(css_class: str) -> SafeString:
    """Renders the colored square of a legend."""
    return format_html(
        '<svg viewBox="0 0 10 10" aria-hidden="true"><rect class="{}" width="10" height="10" rx="2"/></svg>', css_class
    )


def _naming(label: str) -> SafeString:
    return format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
