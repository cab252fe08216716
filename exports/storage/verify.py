"""Checks that the content of a file is complete and of the expected format. Never decompresses to disk."""

import csv
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final, TextIO

from exports.storage.safe_zip import MAX_MEMBERS, UNBOUNDED_COMPRESSIONS, open_zip

CONTENT_TYPES: Final = {
    "zip": "application/zip",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "mp4": "video/mp4",
}
# Above this total of unpacked sizes, members are not read: only the directory and the offsets are checked.
MAX_UNPACKED_BYTES: Final = 256 * 1024 * 1024
MAX_BOXES: Final = 200_000
MAX_LINE_CHARS: Final = 1024 * 1024
csv.field_size_limit(64 * MAX_LINE_CHARS)


class BadFileError(Exception):
    """The file is incomplete or of another format; the text says why, for a person."""


def verify(path: Path, format_: str, *, length_known: bool = True) -> None:
    """Raises BadFileError when the content is not of that format, or incomplete.

    `length_known`: whether the response showed where the file ends. If not, a CSV file must end with a line break.
    """
    if path.stat().st_size == 0:
        raise BadFileError("The file is empty.")
    with path.open("rb") as file:
        head = file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        raise BadFileError("The file is a web page, not an export.")
    if format_ == "csv" and not length_known:
        with path.open("rb") as file:
            file.seek(-1, 2)
            if file.read(1) not in b"\r\n":
                raise BadFileError("The last line has no end, and the host did not say where the file ends.")
    if format_ in CHECKS_BY_FORMAT:
        CHECKS_BY_FORMAT[format_](path)


def _zip(path: Path) -> None:
    size = path.stat().st_size
    try:
        with open_zip(path) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise BadFileError(f"The archive has more than {MAX_MEMBERS} members.")
            if not members:
                raise BadFileError("The archive is empty.")
            if any(member.header_offset + 30 + member.compress_size > size for member in members):
                raise BadFileError("The archive's directory names more than the file holds.")
            if sum(member.file_size for member in members) <= MAX_UNPACKED_BYTES:
                _read_members(archive, members)
    except BadFileError:
        raise
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadFileError(f"The archive cannot be read ({error}).") from None


def _read_members(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> None:
    """Reads every member, at most its declared size, so that zipfile compares its checksum. Raises BadFileError."""
    for member in members:
        if member.flag_bits & 1 or member.compress_type in UNBOUNDED_COMPRESSIONS:
            continue  # encrypted, or decompressed without a bound
        remaining = member.file_size
        try:
            with archive.open(member) as stream:
                while chunk := stream.read(1024 * 1024):
                    remaining -= len(chunk)
                    if remaining < 0:
                        raise BadFileError(f"{member.filename} is longer than it says.")
        except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError) as error:
            raise BadFileError(f"{member.filename[:100]} in the archive is broken ({error}).") from None
        except Exception as error:  # zlib.error, lzma.LZMAError and others have no common base class
            raise BadFileError(f"{member.filename[:100]} in the archive is broken ({type(error).__name__}).") from None


def _xlsx(path: Path) -> None:
    _zip(path)
    with open_zip(path) as archive:
        names = set(archive.namelist())
    if not {"[Content_Types].xml", "xl/workbook.xml"} <= names:
        raise BadFileError("The file is an archive, but not a workbook.")


def _csv(path: Path) -> None:
    """Checks that the last row has as many columns as the first: a truncated table ends in a short row."""
    encoding = "utf-8-sig"
    try:
        with path.open(encoding=encoding) as file:
            while file.read(1024 * 1024):
                pass
    except UnicodeDecodeError:
        encoding = "cp1252"
    try:
        with path.open(encoding=encoding, errors="replace", newline="") as file:
            first_line = file.readline(MAX_LINE_CHARS)
            if "\0" in first_line:
                raise BadFileError("The file is not text.")
            delimiter = max(";,\t|", key=first_line.count)
            file.seek(0)
            reader = csv.reader(_lines(file), delimiter=delimiter, strict=True)
            width = len(next(reader))
            last_row: list[str] = []
            for row in reader:
                last_row = row or last_row
    except (csv.Error, StopIteration) as error:
        if isinstance(error, csv.Error) and "unexpected end of data" not in str(error):
            return  # unusual quoting by the provider; it does not show that the file was truncated
        raise BadFileError(f"The table cannot be read to its end ({error}).") from None
    if last_row and len(last_row) != width:
        raise BadFileError(f"The last row has {len(last_row)} columns instead of {width}; the table is cut off.")


def _lines(file: TextIO) -> Iterator[str]:
    """Yields lines, long ones in pieces of MAX_LINE_CHARS, so that an endless line does not fill the memory."""
    while line := file.readline(MAX_LINE_CHARS):
        yield line


def _mp4(path: Path) -> None:
    """Checks that boxes cover the whole file (ISO/IEC 14496-12 §4.2), with the index and the media data among them."""
    size = path.stat().st_size
    seen: set[bytes] = set()
    count = 0
    with path.open("rb") as file:
        offset = 0
        while offset < size:
            length, name = _read_box(file, offset, size)
            if not seen and name != b"ftyp":
                raise BadFileError("The file is not an mp4 video.")
            if length < 8 or offset + length > size:
                raise BadFileError("The video is cut off.")
            seen.add(name)
            offset += length
            count += 1
            if count > MAX_BOXES:
                raise BadFileError(f"The video has more than {MAX_BOXES} parts.")
    if b"moov" not in seen or b"mdat" not in seen:
        raise BadFileError("The video lacks its index or its pictures.")


def _read_box(file: IO[bytes], offset: int, size: int) -> tuple[int, bytes]:
    """Returns the length and the type of the box at `offset`."""
    file.seek(offset)
    head = file.read(16)
    length, name = int.from_bytes(head[:4], "big"), head[4:8]
    if length == 1 and len(head) == 16:
        length = int.from_bytes(head[8:16], "big")
    elif length == 0:
        length = size - offset
    return length, name


CHECKS_BY_FORMAT: Final[dict[str, Callable[[Path], None]]] = {"zip": _zip, "csv": _csv, "xlsx": _xlsx, "mp4": _mp4}
