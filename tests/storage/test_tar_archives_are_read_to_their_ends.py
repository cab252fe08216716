"""A tar.gz is whole when every gzip member, every header and the tar's own end are there; else it is a bad file."""

import gzip
import io
import struct
import tarfile
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest

from exports.preview import archives
from exports.preview.comparison import compare_paths
from exports.preview.formats import make_preview
from exports.storage import tar_stream
from exports.storage.verify import BadFileError, tars, verify


def tar(files: dict[str, bytes], format_: int = tarfile.PAX_FORMAT) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=format_) as archive:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return raw.getvalue()


FILES = {"folder/a.txt": b"one", "b.bin": bytes(range(256)) * 40, "empty": b""}
WHOLE = gzip.compress(tar(FILES))
SMALL = gzip.compress(tar({"a": b"b"}), mtime=0)


@pytest.fixture
def write(tmp_path: Path):  # type: ignore[no-untyped-def]
    def make(content: bytes, name: str = "f") -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return make


@pytest.mark.parametrize("format_", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_a_whole_archive_is_good(write, format_: int, level: int) -> None:  # type: ignore[no-untyped-def]
    assert verify(write(gzip.compress(tar(FILES, format_), level)), "tar.gz") == ""


def test_a_chain_of_gzip_members_is_good(write) -> None:  # type: ignore[no-untyped-def]
    raw = tar(FILES)
    chain = b"".join(gzip.compress(raw[at : at + 777]) for at in range(0, len(raw), 777))
    assert verify(write(chain + bytes(1024)), "tar.gz") == ""
    with pytest.raises(BadFileError):
        verify(write(chain[:-3]), "tar.gz")


def test_every_cut_is_seen(write) -> None:  # type: ignore[no-untyped-def]
    for length in range(1, len(WHOLE), 7):
        with pytest.raises(BadFileError):
            verify(write(WHOLE[:length]), "tar.gz")


@pytest.mark.parametrize("blocks", [1, 2, 4, 21])
def test_a_tar_that_ended_early_inside_a_whole_gzip_is_bad(write, blocks: int) -> None:  # type: ignore[no-untyped-def]
    raw = tar(FILES)
    with pytest.raises(BadFileError):
        verify(write(gzip.compress(raw[: blocks * 512])), "tar.gz")


def test_every_changed_byte_is_seen(write) -> None:  # type: ignore[no-untyped-def]
    for at in range(12, len(WHOLE), 11):
        changed = bytearray(WHOLE)
        changed[at] ^= 0x55
        with pytest.raises(BadFileError):
            verify(write(bytes(changed)), "tar.gz")


@pytest.mark.parametrize(
    ("content", "match", "is_placeholder"),
    [
        (b"<html><body>Please sign in</body></html>", "web page", True),
        (b'{"message": "404 Not found or has expired"}', "JSON", True),
        (b"PK\x03\x04rest", "zip", True),
        (tar(FILES), "tar archive", True),
        (gzip.compress(b"a text, and no archive" * 100), "no tar archive", False),
        (gzip.compress(b""), "end is missing", False),
        (gzip.compress(bytes(10240)), "empty", False),
        (WHOLE + b"something behind it", "damaged", False),
        (SMALL[:14] + b"\xff\xff" + SMALL[16:], "damaged", False),
        (b"", "empty", True),
    ],
    # A gzip names the moment in which it was made.
    ids=["page", "json", "zip", "bare tar", "text", "no end", "empty tar", "damaged", "damaged at once", "nothing"],
)
def test_what_is_no_archive_is_named(write, content: bytes, match: str, is_placeholder: bool) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadFileError, match=match) as caught:
        verify(write(content), "tar.gz")
    assert caught.value.is_placeholder is is_placeholder


def test_a_bomb_is_read_in_little_memory_and_time(write, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(tars, "MIN_UNPACKED_BYTES", 20_000_000)
    header = bytearray(tarfile.TarInfo("bomb").tobuf())
    header[124:136] = b"%011o\0" % (1 << 32)
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    packer = zlib.compressobj(9, wbits=31)
    bomb = (
        packer.compress(bytes(header)) + b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    )
    path = write(bomb)
    tracemalloc.start()
    begun = time.monotonic()
    try:
        assert "too much to unpack" in verify(path, "tar.gz")
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()
    assert time.monotonic() - begun < 20


def test_a_name_of_gigabytes_is_refused(write) -> None:  # type: ignore[no-untyped-def]
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    with pytest.raises(BadFileError, match="longer than any name"):
        verify(write(gzip.compress(entry.tobuf(tarfile.GNU_FORMAT) + bytes(5000))), "tar.gz")


def test_a_size_in_base_256_is_read(write) -> None:  # type: ignore[no-untyped-def]
    header = bytearray(tarfile.TarInfo("x").tobuf())
    header[124:136] = b"\x80" + struct.pack(">Q", 3).rjust(11, b"\0")
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    path = write(gzip.compress(bytes(header) + b"abc".ljust(512, b"\0") + bytes(1024)))
    with path.open("rb") as file:
        (entry,) = tar_stream.read_entries(file, max_bytes=10**6, max_seconds=10)
    assert (entry.name, entry.size) == ("x", 3)


def test_long_names_are_read_in_every_format(write) -> None:  # type: ignore[no-untyped-def]
    name = "/".join(["a-rather-long-folder"] * 12) + "/é.txt"
    for format_ in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        found = archives.find_tar_members(write(gzip.compress(tar({name: b"x"}, format_))), "É.TXT")
        assert [node.path for node in found.nodes] == [name]


def test_the_preview_lists_the_members(write) -> None:  # type: ignore[no-untyped-def]
    tree = make_preview(write(WHOLE), "tar.gz")
    assert isinstance(tree, archives.Tree)
    assert (tree.count, tree.size) == (3, sum(map(len, FILES.values())))
    assert [node.name for node in tree.root.sorted_children] == ["folder", "b.bin", "empty"]
    assert all(node.index == -1 for node in tree.root.children.values())
    assert archives.preview_tar_gz(write(WHOLE), "folder").count == 1


def test_two_archives_are_compared_by_content(write) -> None:  # type: ignore[no-untyped-def]
    other = gzip.compress(tar({"folder/a.txt": b"two", "b.bin": FILES["b.bin"], "new": b"!"}))
    changes = compare_paths("tar.gz", write(WHOLE, "old"), write(other, "new"), samples=5)
    assert (changes.added, changes.removed, changes.changed) == (1, 1, 1)
    assert changes.samples.changed == [("folder/a.txt", 3, 3)]
