"""Cells of the lists that the portal writes as CSV, harmless in every spreadsheet program."""

import re
import unicodedata
from typing import Final

# What begins a formula (OWASP, CSV injection). Some programs take full-width and small forms of these signs for them,
# so every character counts that is compatible with one (Unicode, NFKC).
FORMULA_SIGNS: Final = "".join(
    char for char in map(chr, range(0x10000)) if unicodedata.normalize("NFKC", char) in ("=", "+", "-", "@")
)
# Where a cell may begin: at the beginning, and after whatever some program, in some locale or by a choice in its import
# dialog, takes for a separator or an end of line. Quotes do not help: who splits at `;` does not see that the quoted
# cell of a list separated by commas goes on.
SEPARATORS: Final = r";,|\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029"
# What a program may drop before it looks at the cell: blanks, quotes, control and invisible characters. No separator is
# among them, so that the time is linear in the length of the text.
DROPPED: Final = (
    r"[\x00-\x08\x0e-\x1b\x1f \x7f-\x84\x86-\xa0\xad\u061c\u1680\u180e"
    r"\u2000-\u200f\u202a-\u202f\u205f-\u206f\u3000\ufeff\"]*"
)
FORMULA_START: Final = re.compile(rf"^(?='*[\t\r])|((?:^|[{SEPARATORS}]){DROPPED})(?='*[{re.escape(FORMULA_SIGNS)}])")


def harmless_cell(value: object) -> object:
    """The value of a cell as it is written: text in which no spreadsheet program finds a formula; numbers unchanged.

    An apostrophe is put before each sign that would begin a formula, before a tab or carriage return at the beginning,
    and before the apostrophes that stand there already; nothing else changes. So the text can be read back: take one
    apostrophe away wherever apostrophes stand between the beginning of a cell and such a sign (docs/using.md).
    """
    return FORMULA_START.sub(r"\1'", value) if isinstance(value, str) else value
