"""What programs leave behind a table when they fail while they write it, though the answer says that it is whole."""

import re
from typing import Final

from exports.storage.csv_layout import CsvLayout
from exports.storage.readable import Readable

MAX_TAIL_BYTES: Final = 256 * 1024
MAX_LINE_CHARS: Final = 2000
# A message begins so, at the beginning of a line.
MESSAGE: Final = re.compile(
    r"\s*(?:<(?:!doctype|html|head|body|title|br|b|p|div|pre|table|h[1-6]|style|script|link|meta)\b|<!--|<\?xml"
    r"|(?:php )?(?:fatal|parse|internal server|uncaught|unhandled) (?:error|exception)|traceback \(most recent"
    r"|exception in thread|error ?[:(](?!\s*\d+\s*$)|(?:warning|notice|deprecated)\b[^:]{0,80}:.{0,400}\bline \d"
    r"|[a-z_][\w.]*(?:error|exception):"
    r"|(?:502|503|504) (?:bad|service|gateway)\b|\W{0,4}(?:export|output|result|response)s? (?:was )?truncated"
    r'|\{\s*"(?:errors?|message|detail|exception)"\s*:)',
    re.I,
)


def ends_in_a_message(source: Readable, layout: CsvLayout) -> bool:
    """Whether rows of one width go over into a page or an error: lines too short for a row up to the end.

    A line in a quoted cell is none of them: behind it the quotes are odd in number.
    """
    # Not `is_regular`: in a small table the message itself makes it irregular.
    if layout.usual_width < 2 or layout.widths.count(layout.usual_width) < 2 or not layout.delimiter.isascii():
        return False
    unit = 4 if "32" in layout.codec else 2 if layout.is_wide else 1
    with source.open("rb") as file:
        size = file.seek(0, 2) - layout.bom
        start = layout.bom + max(0, size - MAX_TAIL_BYTES) // unit * unit
        file.seek(start)
        tail = file.read().decode(layout.codec, "replace")
    lines = [line for line in re.split(r"[\r\n]+", tail) if line.strip(" \t\0\x1a")]
    widths = [line.count(layout.delimiter) + 1 for line in lines]
    rows = quotes = 0
    for number, (line, width) in enumerate(zip(reversed(lines), reversed(widths), strict=True), 1):
        rows += width == layout.usual_width
        quotes += line.count('"')
        if number == len(lines):
            return False  # It is the header, or cut.
        is_outside = width < layout.usual_width and quotes % 2 == 0 and rows * 2 < number
        if is_outside and MESSAGE.match(line[:MAX_LINE_CHARS]):
            return True
    return False
