"""An archive that is cut off, changed or contradicts itself is a bad file."""

import struct
import zipfile
from pathlib import Path

import pytest

from exports.storage.verify import BadFileError
from tests.storage.archives_by_hand import check, packed


@pytest.mark.parametrize("at", [0, 1, 10, 40, 200, 3000])
def test_an_archive_without_its_end_is_broken(tmp_path: Path, at: int) -> None:
    with pytest.raises(BadFileError):
        check(tmp_path, packed()[:at])


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_changed_byte_in_a_member_is_found(tmp_path: Path, method: int) -> None:
    data = bytearray(packed(method))
    data[data.index(b"a/b.txt") + 1000] ^= 1
    with pytest.raises(BadFileError, match=r"a/b\.txt"):
        check(tmp_path, bytes(data))


def test_a_piece_missing_from_the_middle_is_found(tmp_path: Path) -> None:
    data = packed(zipfile.ZIP_STORED)
    with pytest.raises(BadFileError):
        check(tmp_path, data[:500] + data[900:])


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    data = bytearray(packed())
    first, second = data.rindex(b"project.json") - 46, data.rindex(b"a/b.txt") - 46
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    with pytest.raises(BadFileError, match="overlap"):
        check(tmp_path, bytes(data))


def test_a_member_that_is_not_where_the_directory_says_is_found(tmp_path: Path) -> None:
    data = bytearray(packed())
    entry = data.rindex(b"a/b.txt") - 46
    struct.pack_into("<I", data, entry + 42, 7)
    with pytest.raises(BadFileError, match="not where its directory says"):
        check(tmp_path, bytes(data))


def test_a_size_that_no_packing_reaches_is_refused(tmp_path: Path) -> None:
    data = bytearray(packed())
    struct.pack_into("<I", data, data.rindex(b"project.json") - 46 + 24, 200_000_000)
    with pytest.raises(BadFileError, match="cannot be as long"):
        check(tmp_path, bytes(data))


def test_the_part_of_a_split_archive_is_named(tmp_path: Path) -> None:
    data = bytearray(packed())
    struct.pack_into("<H", data, len(data) - 22 + 4, 3)
    with pytest.raises(BadFileError, match="one part of an archive that was split"):
        check(tmp_path, bytes(data))
