"""How a CSV file is to be read: its encoding, what separates its cells, and where the table begins.

The check of a fetched file and the preview share this, so that they never read a file in two ways. Only the head of the
file is looked at, so the memory is bounded.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from exports.storage.readable import Readable

HEAD_BYTES: Final = 256 * 1024
CHUNK_BYTES: Final = 1024 * 1024
SNIFFED_ROWS: Final = 50
# In the order of preference where several fit the rows equally well: a comma also stands inside numbers and sentences.
DELIMITERS: Final = ("\t", ";", "|", ",")
BOMS: Final = (
    (b"\xef\xbb\xbf", "utf-8", "UTF-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le", "UTF-32"),
    (b"\x00\x00\xfe\xff", "utf-32-be", "UTF-32"),
    (b"\xff\xfe", "utf-16-le", "UTF-16"),
    (b"\xfe\xff", "utf-16-be", "UTF-16"),
)
# Excel's own line above a table; some programs quote it.
SEP_LINE: Final = re.compile(r'"?sep=(?:(?P<delimiter>[^"\r\n])[" ;,\t]*)?(?:\r\n|\r|\n|\Z)', re.I)
csv.field_size_limit(HEAD_BYTES)


@dataclass(frozen=True)
class CsvLayout:
    """How a file is read. `bom`: bytes of the mark before the text. `widths`: cells of the first complete rows that are
    not blank.
    """

    codec: str
    encoding: str
    bom: int
    delimiter: str
    widths: tuple[int, ...]

    @property
    def is_wide(self) -> bool:
        """Whether the encoding takes two or four bytes for a letter, so that bytes are not what they are in ASCII."""
        return self.codec.startswith(("utf-16", "utf-32"))

    @property
    def usual_width(self) -> int:
        """The number of cells that most of the first rows have; 0 without rows."""
        return max(Counter(self.widths).items(), key=lambda item: (item[1], item[0]), default=(0, 0))[0]

    @property
    def is_regular(self) -> bool:
        """Whether two rows or more have the same number of cells, at least two, and hardly a row has another."""
        same = self.widths.count(self.usual_width)
        return self.usual_width > 1 and same > 1 and same >= 0.9 * len(self.widths)


def read_layout(source: Readable) -> tuple[CsvLayout, str, bool]:
    """Returns the layout of a CSV file, the text of its head from the table on, and whether the head is not all."""
    with source.open("rb") as file:
        head = file.read(HEAD_BYTES)
        is_cut = bool(file.read(1))
    codec, encoding, bom = detect_encoding(head)
    text = codecs.getincrementaldecoder(codec)("replace").decode(head[bom:], final=not is_cut).lstrip("\ufeff")
    text, delimiter, widths = _detect_delimiter(text, is_cut=is_cut)
    return CsvLayout(codec, encoding, bom, delimiter, widths), text, is_cut


def detect_encoding(head: bytes) -> tuple[str, str, int]:
    """Returns the codec, its name for a person, and the length of the byte order mark."""
    for bom, codec, label in BOMS:
        if head.startswith(bom):
            return codec, label, len(bom)
    if wide := _unmarked_utf16(head):
        return wide, "UTF-16", 0
    try:
        # `final=False`: the head may end inside a character.
        codecs.getincrementaldecoder("utf-8")("strict").decode(head, final=False)
    except UnicodeDecodeError:
        return "cp1252", "Windows-1252", 0
    return "utf-8", "UTF-8", 0


def _unmarked_utf16(head: bytes) -> str:
    """The codec of UTF-16 without a mark, else "": every other byte of digits, spaces and delimiters is zero."""
    sample = head[: 4096 & ~1]
    even, odd = sample[::2], sample[1::2]
    for codec, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros.count(0) * 20 > len(zeros) and not others.count(0):
            text = sample.decode(codec, errors="replace")
            if not any(char < " " and char not in "\t\r\n" for char in text) and "\ufffd" not in text[:-1]:
                return codec
    return ""


def table_bytes(source: Readable, layout: CsvLayout) -> Iterator[bytes]:
    """Yields the file piece by piece, without its mark, in an encoding in which ASCII characters are single bytes.

    Raises UnicodeDecodeError when UTF-16 or UTF-32 ends inside a character.
    """
    with source.open("rb") as file:
        file.seek(layout.bom)
        if not layout.is_wide:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
            return
        decoder = codecs.getincrementaldecoder(layout.codec)("replace")
        while chunk := file.read(CHUNK_BYTES):
            yield decoder.decode(chunk).encode("utf-8", "replace")
        if (file.tell() - layout.bom) % (4 if "32" in layout.codec else 2):
            raise UnicodeDecodeError(layout.codec, b"", 0, 0, "the last character is incomplete")


def parse_rows(text: str, delimiter: str, max_rows: int) -> Iterator[list[str]]:
    """Yields the first rows that are not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    count = 0
    try:
        for row in reader:
            if any(row):
                yield row
                count += 1
            if count >= max_rows:
                return
    except csv.Error:
        return  # a quoted cell without an end: the rows before it are there


def _detect_delimiter(text: str, *, is_cut: bool) -> tuple[str, str, tuple[int, ...]]:
    """Returns the text without Excel's `sep=` line, the delimiter, and the widths of the first complete rows."""
    named = ""
    if match := SEP_LINE.match(text):
        named, text = match["delimiter"] or "", text[match.end() :]
    # The last row may be incomplete, so it is no model for the others.
    ends_in_row = is_cut or not text.endswith(("\n", "\r"))

    def widths(delimiter: str) -> tuple[int, ...]:
        found = [len(row) for row in parse_rows(text, delimiter, SNIFFED_ROWS + 1)]
        return tuple(found[:-1] if len(found) > SNIFFED_ROWS or (ends_in_row and len(found) > 1) else found)

    if named and named != '"':
        return text, named, widths(named)
    by_delimiter = {delimiter: widths(delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: _regularity(by_delimiter[delimiter]))
    # One that parts every row into more cells than the other does any row, though not into equally many.
    most = max(by_delimiter[best], default=0)
    best = next((other for other in DELIMITERS if min(by_delimiter[other], default=0) > most), best)
    delimiter = best if _regularity(by_delimiter[best]) else ";"
    return text, delimiter, by_delimiter[delimiter]


def _regularity(widths: tuple[int, ...]) -> float:
    """The share of the rows that have the most usual number of cells, where that is more than one."""
    counts = Counter(width for width in widths if width > 1)
    return max(counts.values(), default=0) / len(widths) if widths else 0.0
