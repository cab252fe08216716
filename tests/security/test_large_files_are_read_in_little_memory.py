"""Files that are large, or unpack to much, are checked and previewed in a fixed amount of memory and little time."""

import io
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exports.preview.cells import PreviewError
from exports.preview.formats import make_preview
from exports.storage.verify import BadFileError, verify

MEGABYTE = 1024 * 1024
MAX_BYTES = 64 * MEGABYTE
BOOK = b'<workbook xmlns:r="r"><sheets><sheet name="a" r:id="r1"/></sheets></workbook>'
RELATIONS = b'<Relationships><Relationship Id="r1" Target="s.xml"/></Relationships>'


def pieces(piece: bytes, count: int, head: bytes = b"") -> Callable[[], Iterator[bytes]]:
    def make() -> Iterator[bytes]:
        yield head
        for _ in range(count):
            yield piece

    return make


def book(sheet: Callable[[], bytes], main: Callable[[], bytes] = lambda: BOOK) -> Callable[[], Iterator[bytes]]:
    """Sheet and workbook are made by the test that needs them: every process of a run loads this file."""

    def make() -> Iterator[bytes]:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            parts = {"[Content_Types].xml": b"<x/>", "xl/workbook.xml": main(), "xl/_rels/workbook.xml.rels": RELATIONS}
            for name, text in parts.items():
                made.writestr(name, text)
            made.writestr("xl/s.xml", sheet())
        yield out.getvalue()

    return make


def many_members(count: int) -> Callable[[], Iterator[bytes]]:
    """Members without content, written by hand: zipfile would take minutes."""

    def make() -> Iterator[bytes]:
        fields = (0, 0, 0, 33, 0, 0, 0, 6, 0)
        local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, *fields)
        entry = struct.pack("<4s6H3I5HI", b"PK\1\2", 20, 20, *fields, 0, 0, 0, 0)
        yield b"".join(local + b"%06d" % number for number in range(count))
        yield b"".join(entry + struct.pack("<I", number * 36) + b"%06d" % number for number in range(count))
        size, offset = count * 52, count * 36
        record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
        end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
        yield record + struct.pack("<4sIQI", b"PK\6\7", 0, offset + size, 1) + end

    return make


FILES = {
    "one endless row of cells": ("csv", pieces(b"a," * (MEGABYTE // 2), 40)),
    "one endless cell": ("csv", pieces(b"a" * MEGABYTE, 40)),
    "one endless quoted cell": ("csv", pieces(b"x" * MEGABYTE, 40, b'a,b\n1,"')),
    "quotes without end": ("csv", pieces(b'"' * MEGABYTE, 40)),
    "an endless later row": ("csv", pieces(b"a," * (MEGABYTE // 2), 40, b"a,b\n1,2\n")),
    "a quote before many line ends": ("csv", pieces(b"\n" * MEGABYTE, 3, b'a,b\n1,"')),
    "many comments": ("csv", pieces(b"<!---->" * 40_000, 1)),
    "many comments that do not end": ("csv", pieces(b"<!--" * 70_000, 1)),
    "many small rows": ("csv", pieces(b"1;a@b.c;5\n" * 100_000, 40)),
    "many quoted rows": ("csv", pieces(b'"1";"a ""b""";"5"\n' * 50_000, 30)),
    "a wide encoding": ("csv", pieces("é;b\r\n".encode("utf-16-le") * 100_000, 40)),
    "blank lines": ("csv", pieces(b"\n" * MEGABYTE, 40)),
    "a million nested cells": ("xlsx", book(lambda: b"<worksheet><sheetData><row>" + b"<c>" * 1_000_000)),
    "a million cells in a row": ("xlsx", book(lambda: b"<worksheet><sheetData><row>" + b"<c/>" * 1_000_000)),
    "a million rows": ("xlsx", book(lambda: b"<worksheet><sheetData>" + b"<row/>" * 1_000_000)),
    "a million attributes": (
        "xlsx",
        book(lambda: b"<worksheet><sheetData><row>" + b"".join(b"<c a%d='1'/>" % n for n in range(9**6))),
    ),
    "comments before the workbook": ("xlsx", book(bytes, lambda: b"<!--" * 1_000_000)),
    "one endless text": ("xlsx", book(lambda: b"<worksheet><sheetData><row><c t='str'><v>" + b"x" * 40_000_000)),
    "many members": ("zip", many_members(30_000)),
    "boxes": ("mp4", pieces(struct.pack(">I4s", 8, b"free") * 100_000, 1, struct.pack(">I4s", 8, b"ftyp"))),
}


def sentence(call: Callable[[], object]) -> str:
    """What is said where the file is refused; "" where it is not."""
    try:
        call()
    except (BadFileError, PreviewError) as error:
        return str(error)
    return ""


@pytest.mark.slow(seconds=30)
@pytest.mark.parametrize(("format_", "make"), FILES.values(), ids=FILES)
def test_it_takes_little_memory_and_time(tmp_path: Path, format_: str, make: Callable[[], Iterator[bytes]]) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.writelines(make())
    tracemalloc.start()
    try:
        begun = time.process_time()
        sentences = [sentence(lambda: verify(path, format_)), sentence(lambda: make_preview(path, format_))]
        seconds, most = time.process_time() - begun, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < MAX_BYTES
    assert seconds < 30  # counting the memory makes it several times slower
    assert all(len(text) < 300 for text in sentences)
