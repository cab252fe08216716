"""Archives that common tools open are kept, with what could not be checked said; what is broken stays a bad file."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from exports.storage import safe_zip
from exports.storage.verify import archives
from tests.storage.archives_by_hand import (
    as_method,
    check,
    in_zip64,
    packed,
    renamed,
    streamed,
    with_flags,
    with_zip64_end,
)

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
        packed(more={"é.txt": b""}), "é.txt".encode(), b"\x82_.txt", first_only=True
    ),
    "letters that were replaced before the data": lambda: renamed(
        packed(more={"é.txt": b""}), "é.txt".encode(), b"??.txt", first_only=True
    ),
    "a long name": lambda: packed(more={"n" * 1000: b"x"}),
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


def test_members_are_unpacked_as_zipfile_does(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    for make in (packed, streamed, in_zip64, lambda: with_zip64_end(packed()), lambda: b"before" + packed()):
        path.write_bytes(make())
        with zipfile.ZipFile(path) as other, safe_zip.open_zip(path) as archive:
            ours = {entry.name: b"".join(archive.unpack(entry)) for entry in archive.entries()}
            assert ours == {name: other.read(name) for name in other.namelist()}
