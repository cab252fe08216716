"""Files made to use up time or memory, or to break a page, cost next to nothing."""

import bz2
import struct
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exports.preview.cells import PreviewError
from exports.preview.formats import make_preview
from exports.preview.tables import Table
from exports.storage import safe_zip, verify
from exports.storage.verify import BadFileError, films

BOOK = '<workbook xmlns:r="r"><sheets><sheet name="a" r:id="r1"/></sheets></workbook>'
RELATIONS = '<Relationships><Relationship Id="r1" Target="s.xml"/></Relationships>'
SHEET = '<worksheet><sheetData><row><c r="A1" s="1"><v>{}</v></c></row></sheetData></worksheet>'


@contextmanager
def little_memory() -> Iterator[None]:
    """Shows that no more than a few megabytes were in use at any time."""
    tracemalloc.start()
    yield
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 8_000_000


def book(path: Path, value: str = "1", head: str = "", styles: str = "") -> Path:
    parts = {"xl/workbook.xml": head + BOOK, "xl/_rels/workbook.xml.rels": RELATIONS, "xl/s.xml": SHEET.format(value)}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in {"[Content_Types].xml": "<x/>", **parts, "xl/styles.xml": f"<s>{styles}</s>"}.items():
            made.writestr(name, text)
    verify.verify(path, "xlsx")
    return path


def member(data: bytes, packing: int, size: int) -> tuple[bytes, bytes]:
    """A member's own header with its data, and its entry in the directory."""
    fields = (0, packing, 0, 33, 0, len(data), size, 1, 0)
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 46, *fields) + b"a" + data
    return local, struct.pack("<4s6H3I5H2I", b"PK\1\2", 46, 46, *fields, 0, 0, 0, 0, 0) + b"a"


def end(count: int, directory: int, before: int) -> bytes:
    return struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, directory, before, 0)


def test_an_unclosed_number_format_is_read_quickly(tmp_path: Path) -> None:
    styles = '<numFmts><numFmt numFmtId="200" formatCode="{}"/></numFmts><cellXfs>{}</cellXfs>'
    path = book(tmp_path / "f", styles=styles.format("[" * 700_000, '<xf numFmtId="200"/>' * 10_000))
    assert isinstance(make_preview(path, "xlsx"), Table)


def test_a_text_in_many_pieces_is_read_quickly(tmp_path: Path) -> None:
    found = make_preview(book(tmp_path / "f", value="\n" * 7_000_000), "xlsx")
    assert isinstance(found, Table)
    assert len(found.head[0]) <= 201


@pytest.mark.parametrize("encoding", ["nonsense", "hex", "utf-7", "zlib_codec"])
def test_an_unknown_encoding_is_reported(tmp_path: Path, encoding: str) -> None:
    path = book(tmp_path / "f", head=f'<?xml version="1.0" encoding="{encoding}"?>')
    with pytest.raises(PreviewError, match="could not look into the file"):
        make_preview(path, "xlsx")


@pytest.mark.parametrize("day", ["2958465.9999999", "1e400", "nan", "-1e9"])
def test_a_date_out_of_range_is_shown_unchanged(tmp_path: Path, day: str) -> None:
    styles = '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    found = make_preview(book(tmp_path / "f", value=day, styles=styles), "xlsx")
    assert isinstance(found, Table)
    assert found.head == [day]


def test_a_compression_that_cannot_be_read_in_pieces_is_not_decompressed(tmp_path: Path) -> None:
    packer = bz2.BZ2Compressor()
    data = b"".join([packer.compress(bytes(1_000_000)) for _ in range(30)]) + packer.flush()
    local, entry = member(data, zipfile.ZIP_BZIP2, 1000)
    path = tmp_path / "f"
    path.write_bytes(local + entry + end(1, len(entry), len(local)))
    assert path.stat().st_size < 1000
    with little_memory():
        verify.verify(path, "zip")


def test_an_unknown_compression_is_said_and_not_decompressed(tmp_path: Path) -> None:
    local, entry = member(b"x", 99, 1)
    (tmp_path / "f").write_bytes(local + entry + end(1, len(entry), len(local)))
    assert verify.verify(tmp_path / "f", "zip") == "1 member could not be checked: method 99."


def test_the_directory_of_a_zip_is_bounded_whichever_record_gives_its_size(tmp_path: Path) -> None:
    """The record that is asked for its length says 47 bytes; zipfile goes by another one, which says all of them."""
    _, entry = member(b"", zipfile.ZIP_STORED, 0)
    path, count = tmp_path / "f", safe_zip.MAX_DIRECTORY_BYTES // len(entry) + 1
    with path.open("wb") as file:
        for _ in range(0, count, 1000):
            file.write(entry * 1000)
        size = file.tell()
        large = (44, 45, 45, 0, 0, size // len(entry), size // len(entry), size, 0)
        file.write(struct.pack("<4sQ2H2I4Q", b"PK\6\6", *large))
        file.write(struct.pack("<4sIQI", b"PK\6\7", 0, 0, 1) + end(1, len(entry), 0))
    with little_memory(), pytest.raises(PreviewError, match="too many members"):
        make_preview(path, "zip")
    with little_memory(), pytest.raises(BadFileError, match="directory has more than"):
        verify.verify(path, "zip")


def test_the_members_of_a_zip_are_counted_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_zip, "MAX_MEMBERS", 9)
    with zipfile.ZipFile(tmp_path / "f", "w") as made:
        for number in range(10):
            made.writestr(str(number), "")
    with pytest.raises(BadFileError, match="more than 9 members"):
        verify.verify(tmp_path / "f", "zip")


def test_a_video_of_too_many_boxes_is_refused(tmp_path: Path) -> None:
    parts = [(b"ftyp", 1), (b"free", films.MAX_BOXES), (b"moov", 1), (b"mdat", 1)]
    (tmp_path / "f").write_bytes(b"".join(struct.pack(">I4s", 8, name) * count for name, count in parts))
    with pytest.raises(BadFileError, match="parts"):
        verify.verify(tmp_path / "f", "mp4")
