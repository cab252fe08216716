"""One expression for all rows of a sheet whose cells are written alike."""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Final

# Rows of a sheet mostly have the same columns, styles and kinds of cells. For so many layouts there is one expression
# for the whole row, which takes half the time of one for a cell.
MAX_LAYOUTS: Final = 12
MAX_COLUMNS_OF_LAYOUT: Final = 64


@dataclass(frozen=True)
class RowLayout:
    """The expression of rows with these columns. `strings`: columns of shared strings; `styled`: with their styles."""

    pattern: "re.Pattern[str]"
    strings: tuple[int, ...]
    styled: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, cells: Sequence[tuple[str, str, str, str]], plain_styles: Container[str]) -> "RowLayout":
        """The layout of a row of USUAL_CELLs without gaps."""
        parts = [
            f'<c r="{letters}[0-9]{{1,9}}"'
            + (f' s="{style}"' if style else "")
            + (' t="s"><v>([0-9]{1,9})</v></c>' if kind else "><v>([^<&\\r]*)</v></c>")
            for letters, style, kind, _ in cells
        ]
        return cls(
            re.compile("<row(?: [^<>&]*)?>" + "".join(parts)),
            tuple(column for column, cell in enumerate(cells) if cell[2]),
            tuple(
                (column, int(style or 0))
                for column, (_, style, kind, _) in enumerate(cells)
                if not kind and style not in plain_styles
            ),
        )
