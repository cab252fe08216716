"""What all previews share: bounded rows and texts, and the error for a person."""

import re
from dataclasses import dataclass
from typing import Final

MAX_ROWS: Final = 50
MAX_CELL_LENGTH: Final = 200
# Control characters, and those that change the direction of writing, are shown as a box.
UNPRINTABLE: Final = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ufeff]"
)


class PreviewError(Exception):
    """The file cannot be previewed; the text says why, for a person."""


@dataclass(frozen=True)
class Grid:
    """The first rows of a table as text; `has_more`: whether the file has more rows."""

    rows: list[list[str]]
    has_more: bool


def clip_text(text: str) -> str:
    """Returns a text cut to MAX_CELL_LENGTH, with unprintable characters replaced."""
    return UNPRINTABLE.sub("\N{WHITE SQUARE}", text[:MAX_CELL_LENGTH].replace("\r\n", "\n")) + (
        "…" if len(text) > MAX_CELL_LENGTH else ""
    )
