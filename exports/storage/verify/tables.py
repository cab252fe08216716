"""Checks that a CSV file is a table and that it does not end in the middle of a row.

The file is read once, in pieces. Rows are recognized by a regular expression that never goes back over what it has
matched, so neither a long row nor odd quotes cost more time or memory than the bytes themselves.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from exports.storage.csv_layout import CsvLayout, read_layout, table_bytes
from exports.storage.readable import Readable
from exports.storage.verify.content import HEAD_BYTES, BadFileError, identify_binary, identify_text
from exports.storage.verify.table_end import ends_in_a_message

MAX_ROW_BYTES: Final = 4 * 1024 * 1024
MAX_TAIL_BYTES: Final = 256 * 1024
MAX_COUNTED_CELLS: Final = 100_000
# What programs write after the last row: blanks, the end sign of DOS.
PADDING: Final = b" \t\r\n\x1a\0"
# As many zero bytes in a row, or more, are a piece of the file that was never written.
GAP: Final = bytes(512)
# How a body in chunks begins and ends (RFC 9112 §7.1), where a program and a proxy before it both made chunks.
CHUNK_LINE: Final = re.compile(rb"[0-9A-Fa-f]{1,8}[ \t]*(?:;[^\r\n]*)?\r\n")
LAST_CHUNK: Final = b"\r\n0\r\n\r\n"
# What stands in a quoted cell: a quote is written twice. Some programs write a backslash before it instead.
DOUBLED: Final = rb'(?:[^"]++|"")*+'
BACKSLASHED: Final = rb'(?:[^"\\]++|\\[\x00-\xff]|"")*+'


def check_csv(source: Readable, *, length_known: bool, declared_type: str) -> str:
    """Raises BadFileError when the file is no table, or ends in mid-row. Returns what could not be checked, or "".

    `length_known`: whether the transport showed that the answer is whole; if not, the last row needs its line end.
    """
    layout, text, _ = read_layout(source)
    with source.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not text.strip(" \t\r\n\ufeff\0"):
        raise BadFileError("The file is empty.", is_placeholder=True)
    named = "" if layout.is_wide else identify_binary(head)
    if named == "not text" and layout.is_regular:
        named = ""  # A zero byte in each row, say.
    named = named or identify_text(text, declared_type, layout)
    if named:
        raise BadFileError(f"The file is {named}.", is_placeholder=True)
    if CHUNK_LINE.match(head) and _ends_with(source, LAST_CHUNK):
        raise BadFileError("The sizes of HTTP's chunks stand in the table: it was sent in chunks twice.")
    unchecked = _check_ending(source, layout, length_known=length_known)
    if ends_in_a_message(source, layout):
        raise BadFileError("Behind its rows the table has an error or a web page: it was not written to its end.")
    return unchecked


def _ends_with(source: Readable, end: bytes) -> bool:
    with source.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - len(end)))
        return file.read() == end


def _chunks(source: Readable, layout: CsvLayout) -> Iterator[bytes]:
    """Yields `table_bytes`. Raises BadFileError at a gap."""
    before = b""
    for chunk in table_bytes(source, layout):
        if GAP in chunk or GAP in before + chunk[: len(GAP)]:
            raise BadFileError("A piece of the table is missing: zero bytes stand in its place.")
        before = chunk[-len(GAP) :]
        yield chunk


def _check_ending(source: Readable, layout: CsvLayout, *, length_known: bool) -> str:
    rows = _rows_pattern(layout.delimiter)
    rest, complete_rows = b"", False
    last = b"\n"
    try:
        for chunk in _chunks(source, layout):
            buffer = rest + chunk
            last = chunk.rstrip(b"\x1a\0 \t")[-1:] or last
            match = rows.match(buffer)
            end = match.end() if match else 0
            complete_rows = complete_rows or end > 0
            rest = buffer[end:]
            if len(rest) > MAX_ROW_BYTES:
                if not complete_rows:
                    raise BadFileError(f"The first row has more than {MAX_ROW_BYTES} bytes; that is no table.")
                return _skip_rest(source, layout, length_known=length_known)
    except UnicodeDecodeError:
        raise BadFileError("The table ends inside a character; it is cut off.") from None
    rest = rest.lstrip(b"\r\n")
    if not rest.strip(PADDING):
        return ""
    cells = _count_cells(rest, layout.delimiter)
    if cells is None and b'\\"' in rest:
        match = _rows_pattern(layout.delimiter, BACKSLASHED).match(rest)
        last_row = rest[match.end() if match else 0 :]
        if not last_row.strip(PADDING):
            return ""
        cells = _count_cells(last_row, layout.delimiter, BACKSLASHED)
    if cells is None:
        if not _is_stray_quote(rest, layout):
            raise BadFileError("A quoted cell has no end; the table is cut off.")
    elif rest.rstrip(b"\x1a\0 \t").endswith((b"\n", b"\r")):
        return ""
    elif cells < layout.usual_width and cells not in layout.widths:
        raise BadFileError(f"The last row has {cells} columns instead of {layout.usual_width}; the table is cut off.")
    if not length_known and last not in (b"\n", b"\r"):
        raise BadFileError("The last row is cut off: it has no line end.")
    return ""


def _skip_rest(source: Readable, layout: CsvLayout, *, length_known: bool) -> str:
    """The verdict on a table with a row that is too long to follow: only its last character is looked at."""
    if not length_known:
        last = b""
        for chunk in _chunks(source, layout):
            last = chunk.rstrip(b"\x1a\0 \t")[-1:] or last
        if last not in (b"\n", b"\r"):
            raise BadFileError("The last row is cut off: it has no line end.")
    return f"The table has a row of more than {MAX_ROW_BYTES} bytes; it was not checked from there on."


@lru_cache(maxsize=16)
def _cell_pattern(delimiter: str, quoted: bytes) -> bytes:
    """A cell (RFC 4180): in quotes around `quoted`, which may be followed by other characters, or without."""
    other = rb"[^" + re.escape(delimiter.encode()) + rb"\r\n]*+"
    return rb'(?:"' + quoted + rb'"' + other + rb'|(?!")' + other + rb")"


@lru_cache(maxsize=16)
def _rows_pattern(delimiter: str, quoted: bytes = DOUBLED) -> re.Pattern[bytes]:
    cell = _cell_pattern(_ascii(delimiter), quoted)
    mark = re.escape(_ascii(delimiter).encode())
    return re.compile(rb"(?:" + cell + rb"(?:" + mark + cell + rb")*+(?:\r\n?|\n))*+")


def _ascii(delimiter: str) -> str:
    """The delimiter where it is a single byte in every encoding; else one that occurs in no text."""
    return delimiter if delimiter.isascii() else "\x1f"


def _count_cells(row: bytes, delimiter: str, quoted: bytes = DOUBLED) -> int | None:
    """The number of cells of a row without line end; None when a quoted cell has no end."""
    cell = re.compile(_cell_pattern(_ascii(delimiter), quoted))
    mark = _ascii(delimiter).encode()
    position = count = 0
    while count < MAX_COUNTED_CELLS:
        match = cell.match(row, position)
        if match is None:
            return None
        count, position = count + 1, match.end()
        if not row.startswith(mark, position):
            break
        position += 1
    return count


def _is_stray_quote(rest: bytes, layout: CsvLayout) -> bool:
    """Whether the quote that never closes is only a sign in a cell: the lines after it are whole rows as they stand."""
    if not rest.endswith((b"\n", b"\r")):
        return False
    if len(rest) > MAX_TAIL_BYTES:
        rest = rest[-MAX_TAIL_BYTES:].partition(b"\n")[2]
    mark = _ascii(layout.delimiter).encode()
    lines = [line for line in rest.rstrip(PADDING).splitlines() if line.strip()]
    return len(lines) > 1 and all(line.count(mark) + 1 == layout.usual_width for line in lines)
