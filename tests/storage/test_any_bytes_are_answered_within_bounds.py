"""Whatever the bytes of a file, check and preview answer with a verdict or a sentence, in little time and memory.

`make fuzz` tries many more.
"""

import io
import zipfile
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.preview.cells import PreviewError
from exports.preview.comparison import compare_paths
from exports.preview.formats import make_preview
from exports.sandbox.sheets import build_csv, build_xlsx
from exports.storage.verify import BadFileError, verify
from tests.helpers.file_host import FIELD
from tests.helpers.fuzzing import fuzz, within_bounds

FORMATS: Final = ("csv", "xlsx", "zip", "mp4")
# Bytes that mean something to one of the formats.
TOKENS: Final = (
    *(b'"', b",", b";", b"\t", b"\r", b"\n", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"sep=;\n"),
    *(b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"\xff\xff\xff\xff", b"\0\0\0\1", b"\x08\0", b"\x5d\0"),
    *(
        b"ftyp",
        b"moov",
        b"mdat",
        b"moof",
        b"\0\0\0\0",
        b"\0\0\0\x01mdat",
        b"<c>",
        b"<row>",
        b"<v>1e308</v>",
        b"<si><t>",
    ),
    *(b"<!DOCTYPE x>", b"<?xml", b"<!--", b"{", b"[", b"&lt;", b"]]>", b"<x:workbook>"),
)


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return out.getvalue()


def unpacked_workbook(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


BOOK: Final = unpacked_workbook(build_xlsx("4001", {}, None).read())
SEEDS: Final = {
    "csv": [build_csv("4001", {}, None).read()[:2000], (FIELD / "sep-line.csv").read_bytes(), "a;é\n".encode("utf-16")],
    "xlsx": [archive(BOOK), (FIELD / "dates-1904.xlsx").read_bytes()],
    "zip": [archive({"a": b"1", "b/c": b"2" * 99}, zipfile.ZIP_DEFLATED), (FIELD / "two-names.zip").read_bytes()],
    "mp4": [(FIELD / "stray-bytes.mp4").read_bytes()[:300]],
}


@st.composite
def changed(choose: st.DrawFn, seed: bytes) -> bytes:
    """The seed with some pieces replaced, removed, doubled, inserted, or its end missing."""
    data = bytearray(seed)
    for _ in range(choose(st.integers(0, 6))):
        at = choose(st.integers(0, len(data)))
        length = choose(st.integers(0, 40))
        piece = choose(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=20)))
        repeat = choose(st.sampled_from([1, 1, 1, 1, 1, 1, 2, 2, 1000, 200_000]))
        data[at : at + length] = piece * repeat
    return bytes(data[: choose(st.integers(0, len(data)))] if choose(st.booleans()) else data)


@st.composite
def changed_workbook(choose: st.DrawFn) -> bytes:
    """A workbook with one part changed, in an archive that is sound."""
    name = choose(st.sampled_from(sorted(BOOK)))
    return archive({**BOOK, name: choose(changed(BOOK[name][:5000]))})


def file_bytes(format_: str) -> st.SearchStrategy[bytes]:
    strategies = [st.binary(max_size=300), *(changed(seed) for seed in SEEDS[format_])]
    strategies.append(st.lists(st.sampled_from(TOKENS), max_size=60).map(b"".join))
    if format_ == "xlsx":
        strategies.append(changed_workbook())
    return st.one_of(strategies)


def answer(path: Path, format_: str, *, length_known: bool) -> str:
    """The verdict, or the sentence that refuses the file."""
    try:
        return verify(path, format_, length_known=length_known, declared_type="text/html") or "good"
    except BadFileError as error:
        return str(error)


def shown(path: Path, format_: str) -> object:
    """The preview, or the sentence that says why there is none."""
    try:
        return make_preview(path, format_)
    except PreviewError as error:
        return str(error)


@pytest.mark.parametrize("format_", FORMATS)
@fuzz(examples=120, shares=0.5)
@given(data=st.data())
def test_check_and_preview_answer(tmp_path: Path, format_: str, data: st.DataObject) -> None:
    path = tmp_path / "file"
    path.write_bytes(data.draw(file_bytes(format_)))
    with within_bounds(format_):
        assert answer(path, format_, length_known=True)
        assert answer(path, format_, length_known=False)
        assert shown(path, format_)


def changes(old: Path, new: Path, format_: str) -> object:
    """What differs between two files, or the sentence that says why they are not compared."""
    try:
        return compare_paths(format_, old, new, samples=3)
    except PreviewError as error:
        return str(error)


@pytest.mark.parametrize("format_", FORMATS)
@fuzz(examples=60, shares=0.5)
@given(data=st.data())
def test_any_two_files_are_compared(tmp_path: Path, format_: str, data: st.DataObject) -> None:
    paths = [tmp_path / name for name in ("old", "new")]
    for path in paths:
        path.write_bytes(data.draw(file_bytes(format_)))
    with within_bounds(f"{format_} compared"):
        assert changes(paths[0], paths[1], format_)
