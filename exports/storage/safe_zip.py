"""Reading untrusted zip archives: the directory is streamed, members are unpacked in bounded pieces.

As tolerant as the usual tools (APPNOTE.TXT 6.3.10): names in any encoding and with either slash, data before the first
member, padding and comments after the end records, zip64, sizes that stand behind the data. `zipfile` refuses some of
these, keeps an object per member in memory and reads the whole directory at once.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from exports.storage.readable import Readable

MAX_MEMBERS: Final = 300_000
MAX_DIRECTORY_BYTES: Final = 64 * 1024 * 1024
# How far before the end of the file the end record is searched: a comment has at most 64 KiB, padding is taken too.
MAX_TAIL_BYTES: Final = 1024 * 1024
CHUNK_BYTES: Final = 64 * 1024
STORED: Final = 0
DEFLATED: Final = 8
# The methods that are unpacked here, in pieces. The others are not: Python lacks them, or unpacks without a bound.
METHODS: Final = frozenset({STORED, DEFLATED})
LOCAL_SIGNATURE: Final = b"PK\x03\x04"
ENTRY_SIGNATURE: Final = b"PK\x01\x02"
END_SIGNATURE: Final = b"PK\x05\x06"
END64_SIGNATURE: Final = b"PK\x06\x06"
LOCATOR_SIGNATURE: Final = b"PK\x06\x07"
ENTRY: Final = struct.Struct("<4s6H3I5H2I")
END: Final = struct.Struct("<4s4H2IH")
END64: Final = struct.Struct("<4sQ2H2I4Q")
LOCATOR: Final = struct.Struct("<4sIQI")
LOCAL: Final = struct.Struct("<4s5H3I2H")
IN_ZIP64: Final = 0xFFFFFFFF
WRAP: Final = 1 << 32
UTF8_FLAG: Final = 0x800
ENCRYPTED_FLAG: Final = 0x1


class BrokenArchiveError(Exception):
    """The archive, or a member, is cut off or contradicts itself; the text says how, for a person."""


class DirectoryTooLargeError(BrokenArchiveError):
    """The archive's directory has more bytes or members than the portal reads."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the directory. `offset`: of the member's own header in the file. Sizes in bytes."""

    name: str
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    offset: int

    @property
    def is_folder(self) -> bool:
        """Whether the name says so."""
        return self.name.endswith("/")

    @property
    def is_readable(self) -> bool:
        """Whether its method is one of METHODS, and it is not encrypted."""
        return self.method in METHODS and not self.flags & ENCRYPTED_FLAG


class Archive:
    """An archive that is open for reading. `directory_start`, `directory_size`: where its directory lies."""

    def __init__(self, source: Readable, max_directory_bytes: int) -> None:
        self._file = source.open("rb")
        self._max_directory_bytes = max_directory_bytes
        try:
            self.size = self._file.seek(0, 2)
            self._find_directory()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def entries(self) -> Iterator[Entry]:
        """Yields the directory's entries in order. Raises BrokenArchiveError, DirectoryTooLargeError."""
        position, end, count = self.directory_start, self.directory_start + self.directory_size, 0
        buffer, start, offset = b"", position, 0
        while position < end:
            if position + ENTRY.size + 3 * 0xFFFF > start + len(buffer) and start + len(buffer) < end:
                start, buffer = position, self._read(position, min(end - position, 8 * CHUNK_BYTES))
            at = position - start
            if len(buffer) < at + ENTRY.size or buffer[at : at + 4] != ENTRY_SIGNATURE:
                raise BrokenArchiveError("The archive's directory is broken.")
            fields = ENTRY.unpack_from(buffer, at)
            name_size, extra_size, comment_size = fields[10:13]
            at += ENTRY.size
            position += ENTRY.size + name_size + extra_size + comment_size
            if position > end:
                raise BrokenArchiveError("The archive's directory is cut off.")
            count += 1
            if count > MAX_MEMBERS:
                raise DirectoryTooLargeError(f"The archive has more than {MAX_MEMBERS} members.")
            raw_name, extra = buffer[at : at + name_size], buffer[at + name_size : at + name_size + extra_size]
            entry = self._entry(fields, raw_name, extra)
            if self._wraps:
                offset = self._unwrap(entry.offset, offset)
                entry = replace(entry, offset=offset)
            yield entry

    def locate(self, entry: Entry) -> tuple[int, str]:
        """Returns where the data of a member end, and its name in its own header. Raises BrokenArchiveError."""
        data_start, name = self._read_own_header(entry)
        end = data_start + entry.packed_size
        if end > self.directory_start:
            raise BrokenArchiveError(f"{entry.name[:100]} in the archive is cut off.")
        return end, name

    def unpack(self, entry: Entry, max_bytes: int | None = None) -> Iterator[bytes]:
        """Yields the content of a member in pieces of at most CHUNK_BYTES, after `max_bytes` no more.

        Raises BrokenArchiveError where it cannot be unpacked, or its size or checksum is not what the directory says.
        """
        if not entry.is_readable:
            raise BrokenArchiveError(f"{entry.name[:100]} in the archive is packed in a way that is not read here.")
        checksum = size = 0
        for piece in self._pieces(entry):
            checksum, size = zlib.crc32(piece, checksum), size + len(piece)
            if size > entry.size:
                raise BrokenArchiveError(f"{entry.name[:100]} in the archive is longer than it says.")
            yield piece
            if max_bytes is not None and size >= max_bytes:
                return
        if size != entry.size or checksum != entry.crc:
            raise BrokenArchiveError(f"{entry.name[:100]} in the archive is broken: its checksum differs.")

    def _pieces(self, entry: Entry) -> Iterator[bytes]:
        position, _ = self._read_own_header(entry)
        left = entry.packed_size
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS) if entry.method == DEFLATED else None
        try:
            while left and not (unpacker and unpacker.eof):
                packed = self._read(position, min(left, CHUNK_BYTES))
                if not packed:
                    raise BrokenArchiveError(f"{entry.name[:100]} in the archive is cut off.")
                position, left = position + len(packed), left - len(packed)
                if unpacker is None:
                    yield packed
                    continue
                while packed and not unpacker.eof:
                    yield unpacker.decompress(packed, CHUNK_BYTES)
                    packed = unpacker.unconsumed_tail
            while unpacker is not None and not unpacker.eof and (piece := unpacker.decompress(b"", CHUNK_BYTES)):
                yield piece
        except zlib.error:
            raise BrokenArchiveError(f"{entry.name[:100]} in the archive is broken: it cannot be unpacked.") from None

    def _read_own_header(self, entry: Entry) -> tuple[int, str]:
        """Returns where a member's data begin, and its name before them."""
        head = self._read(entry.offset, LOCAL.size + 256) if entry.offset >= 0 else b""
        if len(head) < LOCAL.size or not head.startswith(LOCAL_SIGNATURE):
            raise BrokenArchiveError(f"{entry.name[:100]} in the archive is not where its directory says.")
        *_, name_size, extra_size = LOCAL.unpack_from(head)
        name = head[LOCAL.size : LOCAL.size + name_size]
        if len(name) < name_size:
            name = self._read(entry.offset + LOCAL.size, name_size)
        return entry.offset + LOCAL.size + name_size + extra_size, _decode_name(name, entry.flags)

    def _unwrap(self, offset: int, previous: int) -> int:
        """Where a member is whose offset was cut to 32 bits: not before the one before it, and where a header is."""
        while offset < self.directory_start and (offset < previous or self._read(offset, 4) != LOCAL_SIGNATURE):
            offset += WRAP
        return offset

    def _read(self, position: int, size: int) -> bytes:
        self._file.seek(position)
        return self._file.read(size)

    def _find_directory(self) -> None:
        """Finds the last end record whose directory is where it says, or right before it. Raises BrokenArchiveError."""
        tail_start = max(0, self.size - MAX_TAIL_BYTES)
        tail = self._read(tail_start, self.size - tail_start)
        at = len(tail)
        for _ in range(100):  # a comment may contain the signature; a thousand of them are an attack
            at = tail.rfind(END_SIGNATURE, 0, at)
            if at < 0:
                break
            if len(tail) >= at + END.size and self._take_end_record(tail, tail_start, at):
                return
        raise BrokenArchiveError("The file is no zip archive, or its end is missing.")

    def _take_end_record(self, tail: bytes, tail_start: int, at: int) -> bool:
        _, disk, first_disk, _, count, size, offset, _ = END.unpack_from(tail, at)
        end = tail_start + at
        located = LOCATOR.unpack_from(tail, at - LOCATOR.size) if at >= LOCATOR.size else (b"", 0, 0, 0)
        if located[0] == LOCATOR_SIGNATURE:
            # The record is where the locator says, or, where something stands before the archive, right before it.
            for position in (located[2], end - LOCATOR.size - END64.size):
                record = self._read(position, END64.size) if 0 <= position < self.size else b""
                if len(record) == END64.size and record.startswith(END64_SIGNATURE):
                    _, _, _, _, disk, first_disk, _, count, size, offset = END64.unpack(record)
                    end = position
                    break
        if size > self._max_directory_bytes:
            raise DirectoryTooLargeError(f"The archive's directory has more than {self._max_directory_bytes} bytes.")
        for start in (end - size, offset):
            is_empty = not size and not count and offset == end
            if 0 <= start <= end and (is_empty or (size and self._read(start, 4) == ENTRY_SIGNATURE)):
                if disk != first_disk:
                    raise BrokenArchiveError("The file is one part of an archive that was split.")
                self.directory_start, self.directory_size = start, size
                # Where the archive was appended to something, its offsets count from its own beginning. Some programs
                # (macOS's, older libraries) cut the offsets of more than 4 GiB to 32 bits, without zip64.
                self._shift = start - offset
                self._wraps = self._shift > 0 and self._shift % WRAP == 0
                if self._wraps:
                    self._shift = 0
                return True
        return False

    def _entry(self, fields: tuple[int, ...], raw_name: bytes, extra: bytes) -> Entry:
        _, _, _, flags, method, _, _, crc, packed_size, size, *_, offset = fields
        sizes = [size, packed_size, offset]
        if IN_ZIP64 in sizes:
            sizes = _zip64_sizes(sizes, extra)
        return Entry(_decode_name(raw_name, flags), flags, method, crc, sizes[1], sizes[0], sizes[2] + self._shift)


def _decode_name(name: bytes, flags: int) -> str:
    """A member's name, with / between folders."""
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        text = name.decode("utf-8", "replace") if flags & UTF8_FLAG else name.decode("cp437")
    return text.replace("\\", "/")


def _zip64_sizes(sizes: list[int], extra: bytes) -> list[int]:
    """The sizes and the offset, with those that stand in the zip64 extra field (APPNOTE 4.5.3) in their places."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        at += 4
        if tag == 1:
            values = iter(value[0] for value in struct.iter_unpack("<Q", extra[at : at + length // 8 * 8]))
            return [next(values, value) if value == IN_ZIP64 else value for value in sizes]
        at += length
    return sizes


@contextmanager
def open_zip(source: Readable, max_directory_bytes: int = MAX_DIRECTORY_BYTES) -> Iterator[Archive]:
    """Opens an archive. Raises BrokenArchiveError, DirectoryTooLargeError, OSError."""
    archive = Archive(source, max_directory_bytes)
    try:
        yield archive
    finally:
        archive.close()
