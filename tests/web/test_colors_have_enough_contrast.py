"""Texts, icons and lines can be told from what they stand on, in light and dark (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from pathlib import Path
from typing import Final

import pytest
from django.contrib.staticfiles import finders

TEXT, SHAPE = 4.5, 3.0
SURFACES: Final = ("page", "side", "panel", "raised", "sunken", "hover")
STATES: Final = ("good", "run", "bad", "warn", "idle")
HUES: Final = ("orange", "purple", "teal", "pink")
PAIRS: Final = [
    *((text, surface, TEXT) for text in ("text", "muted", "subtle") for surface in SURFACES),
    *((text, surface, TEXT) for text in ("text", "muted") for surface in ("press", "accent-soft")),
    *(("link", surface, TEXT) for surface in ("page", "panel", "sunken", "accent-soft", "hover")),
    *((f"{state}-text", surface, TEXT) for state in STATES for surface in ("panel", "page", "hover", "raised")),
    *((f"{state}-text", surface, TEXT) for state in STATES for surface in (f"{state}-soft", "accent-soft")),
    *((f"{state}-solid", "panel", SHAPE) for state in STATES),
    *((hue, f"{hue}-soft", TEXT) for hue in HUES),
    *(("on-accent", surface, TEXT) for surface in ("accent", "accent-hover")),
    *((text, "inverse", TEXT) for text in ("on-inverse", "on-inverse-muted")),
    *((shape, surface, SHAPE) for shape in ("edge", "focus") for surface in ("panel", "page")),
    ("accent", "panel", SHAPE),
]


def _colors(theme: str) -> dict[str, str]:
    """Token to color (#rrggbb) in a theme."""
    text = Path(str(finders.find("exports/tokens.css"))).read_text().split("@media print")[0]
    both = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", text)
    colors = {name: light if theme == "light" else dark for name, light, dark in both}
    return colors | dict(re.findall(r"--([\w-]+): (#\w{6});", text))


def _luminance(color: str) -> float:
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(first: str, second: str) -> float:
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_pair_of_colors_has_enough_contrast(theme: str) -> None:
    colors = _colors(theme)
    measured = {(above, below): _contrast(colors[above], colors[below]) for above, below, _ in PAIRS}
    low = [f"{above} on {below}: {measured[above, below]:.2f}" for above, below, at_least in PAIRS
           if measured[above, below] < at_least]  # fmt: skip
    assert low == []


def test_a_low_contrast_is_measured() -> None:
    assert _contrast("#ffffff", "#000000") == pytest.approx(21)
    assert _contrast("#bbbbbb", "#ffffff") < SHAPE
