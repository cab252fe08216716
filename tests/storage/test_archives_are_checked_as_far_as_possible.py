"""Archives that common tools open are kept, with what could not be checked said; what is broken stays a bad file."""

import io
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from exports.storage import safe_zip
from exports.storage.verify import BadFileError, archives, verify

CONTENT = {"project.json": b"{}" * 50, "a/b.txt": random.Random(1).randbytes(3000), "empty": b"", "folder/": b""}


def packed(method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"", **more: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in {**CONTENT, **more}.items():
            archive.writestr(name, data)
        archive.comment = comment
    return out.getvalue()


def streamed() -> bytes:
    """As programs write that cannot seek: the sizes stand behind the data."""

    class Pipe:
        def __init__(self) -> None:
            self.written = bytearray()

        def write(self, data: bytes) -> int:
            self.written += data
            return len(data)

        def flush(self) -> None:
            return None

    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for name, data in CONTENT.items():
            archive.writestr(name, data)
    return bytes(out.written)


def in_zip64() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        with archive.open("big", "w", force_zip64=True) as member:
            member.write(b"x" * 1000)
        archive.filelist[0].file_size = 1000
    return out.getvalue()


def with_zip64_end(data: bytes) -> bytes:
    """With the end records that archives of more than 65535 members have."""
    *_, count, size, offset, _ = struct.unpack("<4s4H2IH", data[-22:])
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(data) - 22, 1)
    full = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:-22] + record + locator + full


def renamed(data: bytes, old: bytes, new: bytes, *, first_only: bool = False) -> bytes:
    return data.replace(old, new, 1 if first_only else -1)


def as_method(data: bytes, method: int, name: bytes = b"project.json") -> bytes:
    """With the member declared as packed by another method, in both headers."""
    changed = bytearray(data)
    local, entry = data.index(name) - 30, data.rindex(name) - 46
    struct.pack_into("<H", changed, local + 8, method)
    struct.pack_into("<H", changed, entry + 10, method)
    return bytes(changed)


def with_flags(data: bytes, flags: int, name: bytes = b"project.json") -> bytes:
    changed = bytearray(data)
    local, entry = data.index(name) - 30, data.rindex(name) - 46
    struct.pack_into("<H", changed, local + 6, flags)
    struct.pack_into("<H", changed, entry + 8, flags)
    return bytes(changed)


SOUND: dict[str, Callable[[], bytes]] = {
    "deflated": packed,
    "stored": lambda: packed(zipfile.ZIP_STORED),
    "sizes behind the data": streamed,
    "zip64 member": in_zip64,
    "zip64 end": lambda: with_zip64_end(packed()),
    "comment": lambda: packed(comment=b"made by hand"),
    "comment with a signature": lambda: packed(comment=b"PK\5\6" + b"\0" * 30),
    "longest comment": lambda: packed(comment=b"x" * 65535),
    "zeros behind it": lambda: packed() + bytes(100_000),
    "line end behind it": lambda: packed() + b"\r\n",
    "a program before it": lambda: b"MZ" + bytes(5000) + packed(),
    "names with the other slash": lambda: renamed(packed(), b"a/b.txt", b"a\\b.txt", first_only=True),
    "another case before the data": lambda: renamed(packed(), b"a/b.txt", b"A/B.TXT", first_only=True),
    "another encoding before the data": lambda: renamed(
        packed(**{"é.txt": b""}), "é.txt".encode(), b"\x82_.txt", first_only=True
    ),
    "letters that were replaced before the data": lambda: renamed(
        packed(**{"é.txt": b""}), "é.txt".encode(), b"??.txt", first_only=True
    ),
    "a long name": lambda: packed(**{"n" * 1000: b"x"}),
    "a name that is no UTF-8": lambda: with_flags(
        renamed(packed(), b"project", b"pr\xff\xfeect"), 0x800, b"pr\xff\xfeect"
    ),
    "a name in an old code page": lambda: renamed(packed(), b"project", b"pr\x82ject"),
}
UNCHECKED = {
    9: "1 member could not be checked: method 9.",
    12: "1 member could not be checked: method 12.",
    14: "1 member could not be checked: method 14.",
    93: "1 member could not be checked: method 93.",
    99: "1 member could not be checked: method 99.",
}


def check(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "archive"
    path.write_bytes(data)
    return verify(path, "zip")


@pytest.mark.parametrize("make", SOUND.values(), ids=SOUND)
def test_an_unusual_archive_is_sound(tmp_path: Path, make: Callable[[], bytes]) -> None:
    assert check(tmp_path, make()) == ""


@pytest.mark.parametrize(("method", "said"), UNCHECKED.items())
def test_a_member_in_another_method_is_kept_and_said(tmp_path: Path, method: int, said: str) -> None:
    assert check(tmp_path, as_method(packed(), method)) == said


def test_another_name_before_the_data_is_said(tmp_path: Path) -> None:
    data = renamed(packed(), b"a/b.txt", b"A_B.TXT", first_only=True)
    assert check(tmp_path, data) == "1 member could not be checked: named differently in its own header."


def test_reasons_are_counted(tmp_path: Path) -> None:
    data = with_flags(as_method(packed(), 93, b"a/b.txt"), 1)
    assert check(tmp_path, data) == "2 members could not be checked: encrypted (1), method 93 (1)."


def test_what_is_too_much_to_unpack_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1000)
    assert check(tmp_path, packed()) == "1 member could not be checked: too much to unpack here."


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


def test_members_are_unpacked_as_zipfile_does(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    for make in (packed, streamed, in_zip64, lambda: with_zip64_end(packed()), lambda: b"before" + packed()):
        path.write_bytes(make())
        with zipfile.ZipFile(path) as other, safe_zip.open_zip(path) as archive:
            ours = {entry.name: b"".join(archive.unpack(entry)) for entry in archive.entries()}
            assert ours == {name: other.read(name) for name in other.namelist()}
