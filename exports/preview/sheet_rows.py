"""All rows of a workbook's sheet, one by one, as text.

Rows that are written plainly, as most programs write them, are read by regular expressions, which takes a fifth of the
time; the others by the XML parser. Both give the same. What is in memory: the shared strings, and a row.
"""

import re
import time
from collections.abc import Container, Iterable, Iterator
from itertools import islice
from string import ascii_uppercase
from typing import Final

from exports.preview.cells import PreviewError
from exports.preview.row_layout import MAX_COLUMNS_OF_LAYOUT, MAX_LAYOUTS, RowLayout
from exports.preview.xlsx import (
    MAX_CELLS_PER_ROW,
    Cell,
    CellCollector,
    Sheet,
    StringCollector,
    column_index,
    read_number_kinds,
    unescape,
)
from exports.storage.safe_zip import Archive
from exports.storage.workbook_package import StopParsing, parse_pieces

MAX_SHEET_BYTES: Final = 512 * 1024 * 1024
MAX_STRINGS_BYTES: Final = 64 * 1024 * 1024
MAX_STRINGS: Final = 600_000
MAX_ELEMENT_BYTES: Final = 2 * 1024 * 1024
MAX_TEXT_LENGTH: Final = 256 * 1024
MAX_ELEMENTS: Final = 50_000_000
DECLARATION: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*+<\?xml([^<>?]*+)\?>")
OTHER_ENCODING: Final = re.compile(rb"encoding\s*=\s*[\"'](?!utf-8|us-ascii)", re.I)
# A cell with its column, style, kind, formula and value, or text in the cell itself (18.3.1.4).
CELL: Final = re.compile(
    rb'<c(?: r="([A-Z]{1,3})[0-9]{1,9}")?(?: s="([0-9]{1,9})")?(?: t="([A-Za-z]+)")?'
    rb"(?:/>|>(?:<f(?: [^<>]*)?(?:/>|>([^<]*)</f>))?"
    rb"(?:<v>([^<]*)</v>|<v/>|<is><t(?: [^<>]*)?>([^<]*)</t></is>)?</c>)"
)
# The most usual cell: a number, or the number of a shared string.
USUAL_CELL: Final = re.compile(r'<c r="([A-Z]{1,3})[0-9]{1,9}"(?: s="([0-9]{1,9})")?( t="s")?><v>([^<]*)</v></c>')
# A cell that makes a row other than blank, whatever else there is in it.
NUMBER_CELL: Final = re.compile(rb'<c r="[A-Z]{1,3}[0-9]{1,9}"(?: s="[0-9]{1,9}")?><v>[0-9]')
STRING: Final = re.compile(rb"<si><t(?: [^<>]*)?>([^<]*)</t>")


COLUMN_LETTERS: Final = [
    *ascii_uppercase,
    *(first + second for first in ascii_uppercase for second in ascii_uppercase),
]


class NotPlainError(Exception):
    """The part is XML of a kind that the regular expressions do not read."""


class SheetRows:
    """The rows that are not blank of the sheet with this number, counted from 0 (`Sheet.find_all`).

    Each iteration reads the sheet anew; the shared strings are read once.

    Rows whose numbers are not among the `wanted` ones (None: all are) may come empty, which is quicker.
    Iterating raises PreviewError past a limit, at `deadline` (of time.monotonic), and what the XML parser refuses.
    """

    def __init__(
        self, archive: Archive, deadline: float, wanted: Container[int] | None = None, number: int = 0
    ) -> None:
        self.sheet = Sheet.find(archive, number)
        self.deadline = deadline
        self.wanted = wanted
        self.kinds = read_number_kinds(self.sheet)
        self.strings = self._read_strings()
        self.columns: dict[bytes, int] = {}
        self.layouts: list[RowLayout] = []
        self.kinds_by_style: dict[bytes, str] = {}
        self.plain_styles = {str(style) for style, kind in enumerate(self.kinds) if not kind}
        if not self.kinds or not self.kinds[0]:
            self.plain_styles.add("")

    def __iter__(self) -> Iterator[list[str]]:
        count = 0
        try:
            for element in split_elements(self._pieces(self.sheet.target, MAX_SHEET_BYTES), b"row", b"sheetData"):
                if self.wanted is not None and count not in self.wanted and NUMBER_CELL.search(element):
                    count += 1
                    yield []
                    continue
                row = self._usual_row(element) or self._plain_row(element)
                if row is None:
                    row = next(self._parsed_rows([element, b"</row>"]), [])
                if any(row):
                    count += 1
                    yield row
        except NotPlainError:
            pieces = self._pieces(self.sheet.target, MAX_SHEET_BYTES)
            yield from islice(filter(any, self._parsed_rows(pieces)), count, None)

    def _pieces(self, part: str, max_bytes: int) -> Iterator[bytes]:
        entry = self.sheet.package.entry(part)
        if entry.size > max_bytes:
            raise PreviewError(f"The workbook's part {part[:100]} has more bytes than are read here.")
        for piece in self.sheet.package.archive.unpack(entry):
            if time.monotonic() > self.deadline:
                raise PreviewError("Reading the workbook takes too long.")
            yield piece

    def _usual_row(self, element: bytes) -> list[str] | None:
        """The texts of a row without gaps of USUAL_CELLs, else None."""
        try:
            text = element.decode()
        except UnicodeDecodeError:
            return None
        for layout in self.layouts:
            if match := layout.pattern.fullmatch(text):
                return self._row_of_layout(layout, list(match.groups()))
        cells = USUAL_CELL.findall(text)
        count = len(cells)
        if count != text.count("<c") or "&" in text or "\r" in text or count > len(COLUMN_LETTERS):
            return None
        if [cell[0] for cell in cells] != COLUMN_LETTERS[:count]:
            return None
        if len(self.layouts) < MAX_LAYOUTS and 0 < count <= MAX_COLUMNS_OF_LAYOUT:
            self.layouts.append(RowLayout.of(cells, self.plain_styles))
        strings, styles = self.strings, self.plain_styles
        try:
            return [
                (strings[int(value)] if value.isdecimal() and len(value) < 10 else "")
                if kind
                else value
                if style in styles
                else self._text(Cell("n", int(style or 0), value))
                for _, style, kind, value in cells
            ]
        except IndexError:
            return None

    def _row_of_layout(self, layout: RowLayout, row: list[str]) -> list[str] | None:
        strings = self.strings
        try:
            for column in layout.strings:
                row[column] = strings[int(row[column])]
        except IndexError:
            return None
        for column, style in layout.styled:
            row[column] = self._text(Cell("n", style, row[column]))
        return row

    def _plain_row(self, element: bytes) -> list[str] | None:
        """The texts of a row that is written plainly, else None."""
        if b"&" in element or b"\r" in element:
            return None
        cells = CELL.findall(element)
        if len(cells) != element.count(b"<c"):
            return None
        row: list[str] = []
        try:
            for letters, style, kind, formula, value, inline in cells:
                index = self._column(letters) if letters else len(row)
                if not len(row) <= index < MAX_CELLS_PER_ROW:
                    continue
                if index > len(row):
                    row.extend([""] * (index - len(row)))
                if kind == b"s" and value.isdigit() and len(value) < 10:
                    number = int(value)
                    row.append(self.strings[number] if number < len(self.strings) else "")
                elif value and not kind and not self._kind_of(style):
                    row.append(value.decode())
                else:
                    cell = Cell(kind.decode() or "n", int(style or 0), (value or inline).decode(), formula.decode())
                    row.append(self._text(cell))
        except UnicodeDecodeError:
            return None
        return row

    def _column(self, letters: bytes) -> int:
        index = self.columns.get(letters)
        if index is None:
            index = self.columns[letters] = column_index(letters.decode() + "1", 0)
        return index

    def _kind_of(self, style: bytes) -> str:
        kind = self.kinds_by_style.get(style)
        if kind is None:
            number = int(style or 0)
            kind = self.kinds_by_style[style] = self.kinds[number] if number < len(self.kinds) else ""
        return kind

    def _text(self, cell: Cell) -> str:
        if cell.kind == "s":
            number = int(cell.value) if cell.value.isdecimal() and len(cell.value) < 10 else -1
            return self.strings[number] if 0 <= number < len(self.strings) else ""
        return cell.to_text([], self.kinds, is_1904=self.sheet.is_1904)

    def _parsed_rows(self, pieces: Iterable[bytes]) -> Iterator[list[str]]:
        """The texts of all rows, by the XML parser."""
        reader = CellCollector(max_rows=MAX_ELEMENTS, max_length=MAX_TEXT_LENGTH)
        try:
            for _ in parse_pieces(pieces, reader.start, reader.end, reader.text, max_elements=MAX_ELEMENTS):
                done, reader.rows = reader.rows[:-1], reader.rows[-1:]
                reader.shared_string_indexes.clear()
                for row in done:
                    yield [self._text(cell) for cell in row]
        except StopParsing:
            raise PreviewError("The sheet has more cells than are read here.") from None
        for row in reader.rows:
            yield [self._text(cell) for cell in row]

    def _read_strings(self) -> list[str]:
        part = self.sheet.shared_strings
        if not part:
            return []
        strings: list[str] = []
        try:
            for element in split_elements(self._pieces(part, MAX_STRINGS_BYTES), b"si", b"sst"):
                strings.append(self._string(element))
                if len(strings) > MAX_STRINGS:
                    raise PreviewError(f"The workbook has more than {MAX_STRINGS:,} texts, more than are read here.")
        except NotPlainError:
            strings = self._parsed_strings(self._pieces(part, MAX_STRINGS_BYTES))
        return strings

    def _string(self, element: bytes) -> str:
        match = STRING.fullmatch(element) if b"&" not in element and b"\r" not in element else None
        if match:
            try:
                text = match[1].decode()
            except UnicodeDecodeError:
                raise NotPlainError from None
            return unescape(text) if "_x" in text else text
        return self._parsed_strings([element, b"</si>"])[0]

    @staticmethod
    def _parsed_strings(pieces: Iterable[bytes]) -> list[str]:
        reader = StringCollector(MAX_STRINGS, MAX_TEXT_LENGTH)
        try:
            for _ in parse_pieces(pieces, reader.start, reader.end, reader.text, max_elements=MAX_ELEMENTS):
                pass
        except StopParsing:
            raise PreviewError(f"The workbook has more than {MAX_STRINGS:,} texts, more than are read here.") from None
        return [unescape(text) for text in reader.strings]


def split_elements(pieces: Iterable[bytes], name: bytes, container: bytes) -> Iterator[bytes]:
    """Yields the elements with this name inside of the container, each without its end tag.

    Of rows, those without content are left out. Raises NotPlainError where the part is not plain XML in UTF-8: with
    prefixes, comments, character data sections, or blanks in end tags. PreviewError: an element is too long.
    """
    begin, end, last = b"<" + name, b"</" + name + b">", b"</" + container + b">"
    before = re.compile(rb"(?:\s++|<row(?: [^<>]*)?/>)*+" if name == b"row" else rb"\s*+")
    opening = re.compile(rb"<" + container + rb"(?: [^<>]*)?>")
    rest, is_inside = b"", False
    for piece in pieces:
        overlap = rest[-1:]
        rest += piece
        if not is_inside:
            declaration = DECLARATION.match(rest)
            if declaration and OTHER_ENCODING.search(declaration[1]):
                raise NotPlainError
            rest = rest[declaration.end() if declaration else 0 :]
            match = opening.search(rest)
            if b"<!" in rest or b"<?" in rest or len(rest) > MAX_ELEMENT_BYTES:
                raise NotPlainError
            if match is None:
                continue
            if match[0].endswith(b"/>"):
                return
            rest, is_inside = rest[match.end() :], True
        elif b"<!" in overlap + piece or b"<?" in overlap + piece:
            raise NotPlainError
        *elements, rest = rest.split(end)
        for element in elements:
            at = element.rfind(begin)
            if at < 0 or (at and not before.fullmatch(element, 0, at)):
                raise NotPlainError
            yield element[at:]
        if last in rest:
            if not before.fullmatch(rest, 0, rest.index(last)):
                raise NotPlainError
            return
        if len(rest) > MAX_ELEMENT_BYTES:
            raise PreviewError("A row or a text of the workbook is longer than what is read here.")
    raise NotPlainError
