"""Every beginning of a file, cut at every byte, is a bad file; the whole is not."""

from pathlib import Path

import pytest

from exports.sandbox.sheets import build_csv, build_xlsx
from exports.sandbox.video import build_mp4
from exports.sandbox.zips import build_zip
from exports.storage.verify import BadFileError, verify
from tests.helpers.file_host import FIELD

TABLE = build_csv("4001", {"order.id": "Number", "user.full_name": "Who", "order.total": "Sum"}, None).read()[:600]
TABLE = TABLE[: TABLE.rindex(b"\n") + 1]


def is_refused(path: Path, data: bytes, format_: str, *, length_known: bool = True) -> bool:
    path.write_bytes(data)
    try:
        verify(path, format_, length_known=length_known)
    except BadFileError:
        return True
    return False


@pytest.mark.parametrize("name", ["dates-1904.xlsx", "workbook2.xlsx", "deflate64-member.zip", "two-names.zip"])
def test_an_archive_without_its_last_byte_or_more_is_broken(tmp_path: Path, name: str) -> None:
    data, format_ = (FIELD / name).read_bytes(), name.rpartition(".")[2]
    assert not is_refused(tmp_path / "f", data, format_)
    assert [size for size in range(len(data)) if not is_refused(tmp_path / "f", data[:size], format_)] == []


def test_a_film_without_a_byte_of_its_pictures_is_broken(tmp_path: Path) -> None:
    data = (FIELD / "stray-bytes.mp4").read_bytes()[:-3]
    assert not is_refused(tmp_path / "f", data, "mp4")
    sizes = [*range(400), *range(len(data) - 100, len(data))]
    assert [size for size in sizes if not is_refused(tmp_path / "f", data[:size], "mp4")] == []


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "utf-16-le"])
def test_without_a_length_only_whole_rows_are_a_table(tmp_path: Path, codec: str) -> None:
    text = TABLE.decode("utf-8-sig")
    data = text.encode(codec)
    whole = {len(text[: at + 1].encode(codec)) for at, char in enumerate(text) if char in "\r\n"}
    for size in range(1, len(data) + 1):
        kept = not is_refused(tmp_path / "f", data[:size], "csv", length_known=False)
        assert not kept or size in whole, data[:size][-30:]
    assert not is_refused(tmp_path / "f", data, "csv", length_known=False)


def test_with_a_length_a_row_that_is_too_short_is_cut_off(tmp_path: Path) -> None:
    lines = b"id;name;total\n1;Zoe;5\n2;Chloe;7\n"
    for size in range(lines.index(b"\n2") + 2, len(lines) - len(b"7\n")):
        assert is_refused(tmp_path / "f", lines[:size], "csv"), lines[:size]


def test_the_stand_ins_files_are_whole(tmp_path: Path) -> None:
    made = {
        "csv": build_csv("4001", None, None),
        "zip": build_zip([("a.txt", b"text"), ("b/c.txt", b"more")]),
        "xlsx": build_xlsx("4001", None, None),
        "mp4": build_mp4(7, None),
    }
    assert [format_ for format_, blob in made.items() if is_refused(tmp_path / "f", blob.read(), format_)] == []
