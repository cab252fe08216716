"""Reads a gzip-compressed tar as a stream: its members, one after the other, in flat memory, nothing to disk.

gzip: RFC 1952, one member or several behind each other, whose checksums and lengths zlib checks. tar: POSIX.1-2017,
pax, "ustar Interchange Format", with the long names of GNU tar and its numbers in base 256.
"""

import re
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

BLOCK: Final = 512
READ_BYTES: Final = 256 * 1024
UNPACK_BYTES: Final = 1024 * 1024
# Of the records that give the next member a long name: longer ones are none.
MAX_RECORD_BYTES: Final = 1024 * 1024
GZIP_WINDOW: Final = 31
GZIP_MAGIC: Final = b"\x1f\x8b"
MAX_MEMBER_BYTES: Final = 1 << 62
PAX_RECORD: Final = re.compile(rb"(\d{1,9}) (path|size)=", re.A)


class BrokenTarError(Exception):
    """The file is no whole gzip-compressed tar; the text says why, for a person."""


class NoGzipError(BrokenTarError):
    """The file does not begin like gzip."""


class TooLongError(Exception):
    """Reading on would pass the bounds of time or of unpacked bytes."""


@dataclass(frozen=True)
class TarEntry:
    """A member of a tar. `size`: bytes, unpacked. `checksum`: CRC-32 of its content, 0 where that was not asked for."""

    name: str
    size: int
    is_folder: bool
    is_readable: bool = True
    checksum: int = 0


class Unpacker:
    """The unpacked bytes of a gzip file, in pieces. `max_bytes`, `max_seconds`: when to raise TooLongError."""

    def __init__(self, file: IO[bytes], max_bytes: int, max_seconds: float) -> None:
        self._file, self._left = file, max_bytes
        self._until = time.monotonic() + max_seconds
        self._packed, self._buffer, self._position = b"", b"", 0
        self._has_begun = False
        self._gzip = zlib.decompressobj(GZIP_WINDOW)

    def read(self, size: int) -> bytes:
        """So many bytes, fewer only at the end. Not for sizes of the file's own choosing. Raises BrokenTarError."""
        while len(self._buffer) - self._position < size and (piece := self._next_piece()):
            self._buffer, self._position = self._buffer[self._position :] + piece, 0
        taken = self._buffer[self._position : self._position + size]
        self._position += len(taken)
        return taken

    def pieces(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes, in pieces. Raises BrokenTarError where fewer are left."""
        while size:
            piece = self.read(min(size, UNPACK_BYTES))
            if not piece:
                raise BrokenTarError("The archive ends in the middle of a file.")
            size -= len(piece)
            yield piece

    def _next_piece(self) -> bytes:
        """More unpacked bytes; nothing at the end of the last gzip member."""
        while True:
            if self._gzip.eof:
                self._packed = (self._gzip.unused_data or self._packed).lstrip(b"\0") or self._read_past_padding()
                if not self._packed:
                    return b""
                self._gzip = zlib.decompressobj(GZIP_WINDOW)
            self._packed = self._packed or self._file.read(READ_BYTES)
            if not self._packed:
                raise BrokenTarError("The archive is cut off: its compressed data do not end.")
            if time.monotonic() > self._until or self._left <= 0:
                raise TooLongError
            try:
                piece = self._gzip.decompress(self._packed, UNPACK_BYTES)
            except zlib.error:
                if not self._has_begun and not self._packed.startswith(GZIP_MAGIC):
                    raise NoGzipError("The file is no gzip archive.") from None
                damage = "The archive is damaged: its compressed data are not what their checksum says."
                raise BrokenTarError(damage) from None
            self._has_begun = True
            self._packed = self._gzip.unconsumed_tail
            if piece:
                self._left -= len(piece)
                return piece

    def _read_past_padding(self) -> bytes:
        """What stands behind the zeros that fill up a block; nothing at the end of the file."""
        while packed := self._file.read(READ_BYTES):
            if rest := packed.lstrip(b"\0"):
                return rest
        return b""


def read_entries(file: IO[bytes], *, max_bytes: int, max_seconds: float, checksums: bool = False) -> Iterator[TarEntry]:
    """Yields the members in their order, and reads the archive to its end: blocks of zeros, then the end of gzip.

    Raises BrokenTarError, and TooLongError past the bounds.
    """
    unpacker = Unpacker(file, max_bytes, max_seconds)
    long_name, long_size = "", -1
    while (header := unpacker.read(BLOCK)).strip(b"\0"):
        _check_header(header)
        type_, size = header[156:157], _number(header[124:136])
        if type_ in b"xgLK" and type_:
            if size > MAX_RECORD_BYTES:
                raise BrokenTarError("The archive is damaged: a name in it is longer than any name.")
            record = b"".join(unpacker.pieces(_padded(size)))[:size]
            if type_ == b"L":
                long_name = _text(record.rstrip(b"\0"))
            elif type_ == b"x":
                long_name, long_size = _read_pax(record, long_name, long_size)
            continue
        size = size if long_size < 0 else long_size
        extended = header[482:483] if type_ == b"S" else b""
        while extended.strip(b"\0"):  # more of a sparse file's map
            if len(block := unpacker.read(BLOCK)) < BLOCK:
                raise BrokenTarError("The archive is cut off in the middle of a header.")
            extended = block[504:505]
        # Links, devices and folders have no content, whatever their size says.
        has_content = type_ not in (b"1", b"2", b"3", b"4", b"5", b"6")
        name = long_name or _ustar_name(header)
        checksum, rest = 0, size if has_content else 0
        for piece in unpacker.pieces(rest):
            checksum = zlib.crc32(piece, checksum) if checksums else 0
        for _ in unpacker.pieces(_padded(rest) - rest):
            pass
        is_folder = type_ == b"5" or name.endswith("/")
        yield TarEntry(name, rest, is_folder, checksum=checksum)
        long_name, long_size = "", -1
    if len(header) < BLOCK:
        raise BrokenTarError("The archive is cut off: its end is missing.")
    while block := unpacker.read(UNPACK_BYTES):
        if block.strip(b"\0"):
            raise BrokenTarError("Something that does not belong to the archive stands behind its end.")


def _check_header(header: bytes) -> None:
    if len(header) < BLOCK:
        raise BrokenTarError("The archive is cut off in the middle of a header.")
    try:
        named = _number(header[148:156])
    except BrokenTarError:
        named = -1
    rest = header[:148] + b" " * 8 + header[156:]
    if named not in (sum(rest), sum(byte - 256 if byte > 127 else byte for byte in rest)):
        raise BrokenTarError("The file is no tar archive, or damaged: a header in it is not what its checksum says.")


def _number(field: bytes) -> int:
    """A number in octal digits, or, as GNU tar writes large ones, in base 256."""
    if field[0] & 0x80:
        number = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    else:
        digits = field.strip(b" \0").split(b"\0")[0].strip()
        if digits.strip(b"01234567"):
            raise BrokenTarError("The archive is damaged: a number in a header is none.")
        number = int(digits or b"0", 8)
    if number > MAX_MEMBER_BYTES:
        raise BrokenTarError("The archive is damaged: a member in it is larger than any file.")
    return number


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _ustar_name(header: bytes) -> str:
    name = _text(header[:100].split(b"\0")[0])
    is_posix = header[257:263] == b"ustar\0"
    prefix = _text(header[345:500].split(b"\0")[0]) if is_posix else ""
    return f"{prefix}/{name}" if prefix else name


def _read_pax(record: bytes, name: str, size: int) -> tuple[str, int]:
    """The name and the size that the next member has by a pax record ("27 path=…\\n"), where it says so."""
    position = 0
    while position < len(record):
        length_field, space, _ = record[position : position + 20].partition(b" ")
        if not space or not length_field.isdigit() or not 0 < int(length_field) <= len(record) - position:
            raise BrokenTarError("The archive is damaged: an extended header in it cannot be read.")
        line = record[position : position + int(length_field)]
        if match := PAX_RECORD.match(line):
            value = line[match.end() :].rstrip(b"\n")
            if match[2] == b"path":
                name = _text(value)
            elif value.isdigit() and len(value) < 19:
                size = int(value)
        position += int(length_field)
    return name, size


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
