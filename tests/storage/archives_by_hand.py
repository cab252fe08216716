"""Archives as other programs write them, and such as none should: made and changed byte by byte."""

import io
import random
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

from exports.storage.verify import verify

CONTENT = {"project.json": b"{}" * 50, "a/b.txt": random.Random(1).randbytes(3000), "empty": b"", "folder/": b""}


def packed(method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"", more: Mapping[str, bytes] | None = None) -> bytes:
    """An archive of CONTENT and more."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in {**CONTENT, **(more or {})}.items():
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
    """With a member that stands in zip64 fields."""
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
    """With a name replaced, in both places or before the data alone."""
    return data.replace(old, new, 1 if first_only else -1)


def as_method(data: bytes, method: int, name: bytes = b"project.json") -> bytes:
    """With the member declared as packed by another method, in both headers."""
    changed = bytearray(data)
    local, entry = data.index(name) - 30, data.rindex(name) - 46
    struct.pack_into("<H", changed, local + 8, method)
    struct.pack_into("<H", changed, entry + 10, method)
    return bytes(changed)


def with_flags(data: bytes, flags: int, name: bytes = b"project.json") -> bytes:
    """With the flags of the member, in both headers."""
    changed = bytearray(data)
    local, entry = data.index(name) - 30, data.rindex(name) - 46
    struct.pack_into("<H", changed, local + 6, flags)
    struct.pack_into("<H", changed, entry + 8, flags)
    return bytes(changed)


def check(tmp_path: Path, data: bytes) -> str:
    """What the check of the archive says."""
    path = tmp_path / "archive"
    path.write_bytes(data)
    return verify(path, "zip")
