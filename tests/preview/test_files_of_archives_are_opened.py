"""One file of an archive is shown when it is text or a picture; never more than a bounded part is unpacked."""

import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from exports.preview import archives, members
from exports.preview.cells import PreviewError
from exports.preview.members import OTHER, PICTURE, TEXT, NoMemberError, read_member, stream_member
from exports.preview.pictures import read_picture


def packed(folder: Path, files: dict[str, bytes]) -> Path:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def png(width: int, height: int, more: bytes = b"") -> bytes:
    head = struct.pack(">2I5B", width, height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + head
        + struct.pack(">I", zlib.crc32(b"IHDR" + head))
        + more
    )


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"plain text\n", TEXT),
        (b"<script>alert(1)</script>", TEXT),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', TEXT),
        ("Größe\r\nñ".encode("utf-16"), TEXT),
        ("é".encode("cp1252"), TEXT),
        (b"", TEXT),
        (png(3, 2), PICTURE),
        (b"GIF89a\x03\0\x02\0....", PICTURE),
        (b"\x00\x01\x02glTF", OTHER),
        (b"%PDF-1.7\n\x00\x01", OTHER),
        (b"\xff\xd8\xff no frame in it", OTHER),
    ],
)
def test_a_file_is_what_its_bytes_say(tmp_path: Path, data: bytes, kind: str) -> None:
    assert read_member(packed(tmp_path, {"any.png": data}), 0).kind == kind


def test_text_has_no_control_characters_and_unix_line_ends(tmp_path: Path) -> None:
    shown = read_member(packed(tmp_path, {"a": b"one\r\ntwo\rthree \x1b[31m \xe2\x80\xae" + b"x" * 200}), 0)
    assert shown.lines[:2] == ["one", "two"]
    assert shown.lines[2].startswith("three \N{WHITE SQUARE}[31m \N{WHITE SQUARE}")


def test_only_the_beginning_of_a_large_text_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MAX_TEXT_BYTES", 1_000)
    shown = read_member(packed(tmp_path, {"bomb.txt": b"0" * 50_000_000}), 0)
    assert (len(shown.text), shown.is_cut, shown.size) == (1_000, True, 50_000_000)


def test_the_lines_shown_are_bounded(tmp_path: Path) -> None:
    shown = read_member(packed(tmp_path, {"a": b"\n" * 20_000}), 0)
    assert len(shown.lines) == members.MAX_LINES
    assert shown.is_cut


def test_a_picture_with_too_many_pixels_or_bytes_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "too large" in read_member(packed(tmp_path, {"a.png": png(60_000, 60_000)}), 0).note
    monkeypatch.setattr(members, "MAX_PICTURE_BYTES", 100)
    path = packed(tmp_path, {"a.png": png(1, 1, b"\0" * 200)})
    assert "too large" in read_member(path, 0).note
    with pytest.raises(PreviewError, match="too large"):
        members.read_picture_bytes(path, 0)


def test_a_large_file_is_not_unpacked_to_be_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path, {"a": b"x" * 200})
    entry, pieces = stream_member(path, 0)
    assert (entry.size, b"".join(pieces)) == (200, b"x" * 200)
    monkeypatch.setattr(members, "MAX_MEMBER_BYTES", 100)
    with pytest.raises(PreviewError, match="not unpacked here"):
        stream_member(path, 0)


@pytest.mark.parametrize("index", [1, 2, 99])
def test_folders_and_numbers_that_are_not_there_are_told(tmp_path: Path, index: int) -> None:
    path = packed(tmp_path, {"a": b"x", "folder/": b""})
    with pytest.raises(NoMemberError):
        read_member(path, index)


def test_a_file_packed_in_another_way_is_named_and_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.txt", "x")
    shown = read_member(path, 0)
    assert (shown.kind, shown.text) == (OTHER, "")
    assert "packed in a way" in shown.note


@pytest.mark.parametrize(
    ("head", "size"),
    [
        (b"RIFF....WEBPVP8X" + b"\0" * 8 + b"\x01\0\0\x02\0\0", (2, 3)),
        (b"RIFF....WEBPVP8L" + b"\0" * 4 + b"\x2f" + (1 | 2 << 14).to_bytes(4, "little") + b"\0" * 9, (2, 3)),
        (b"RIFF....WEBPVP8 " + b"\0" * 10 + struct.pack("<2H", 2, 3), (2, 3)),
        (b"\xff\xd8\xff\xe0\0\x04..\xff\xc0\0\x11\x08\0\x03\0\x02\x03", (2, 3)),
        (b"\xff\xd8" + b"\xff\xe0\0\x04.." * 600, None),
        (b"\x89PNG\r\n\x1a\n", None),
    ],
)
def test_the_size_of_a_picture_is_read_from_its_head(head: bytes, size: tuple[int, int] | None) -> None:
    picture = read_picture(head)
    assert (picture and (picture.width, picture.height)) == size


def test_names_are_searched_in_all_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path, {"a/Texture.png": b"12", "b/c/texture2.png": b"1", "scripts/x.js": b"1", "textures/": b""})
    found = archives.find_members(path, "TEXTURE")
    assert [(node.name, node.index, node.size) for node in found.nodes] == [
        ("a/Texture.png", 0, 2),
        ("b/c/texture2.png", 1, 1),
    ]
    monkeypatch.setattr(archives, "MAX_MATCHES", 1)
    found = archives.find_members(path, ".")
    assert (len(found.nodes), found.count) == (1, 3)


def test_a_folder_is_opened_by_itself(tmp_path: Path) -> None:
    path = packed(tmp_path, {f"a/b/{n:03}.txt": b"xx" for n in range(200)} | {"a/bc": b"1", "other": b"1"})
    assert archives.preview_zip(path).root.children["a"].children["b"].omitted_files == 200 - archives.MAX_CHILDREN
    folder = archives.preview_zip(path, "a/b")
    assert (folder.count, folder.size, len(folder.root.children)) == (200, 400, 200)
    assert folder.root.children["007.txt"].path == "a/b/007.txt"
    assert archives.preview_zip(path, "a/bc").count == 0
