"""Packed bytes as they arrive: looked at before they are read, and unpacked a bounded piece at a time."""

import time
import zlib
from collections.abc import Callable
from typing import Final

from exports.transport.errors import ContentCodingError
from exports.transport.response_reader import CutOffError

GZIP_MAGIC: Final = b"\x1f\x8b\x08"
GZIP, ZLIB, RAW_DEFLATE = 31, 15, -15
READ_BYTES: Final = 64 * 1024
# How long it may take until there is something to hand on: drops of a head, or empty members, are endless otherwise.
MAX_SILENT_SECONDS: Final = 60.0
MAX_TRAILING_BYTES: Final = 1024 * 1024


class TruncatedError(Exception):
    """Packed data end before their own end."""


class Source:
    """Bytes that can be looked at before they are read. `count`: how many were read from below."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._ahead = b""
        self._break: Exception | None = None
        self.count = 0

    def read(self, size: int) -> bytes:
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        if self._break is not None:
            raise self._break
        data = self._read(size)
        self.count += len(data)
        return data

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, fewer where the end comes first; they are read again."""
        ends = time.monotonic() + MAX_SILENT_SECONDS
        while len(self._ahead) < size and (data := self._read(READ_BYTES)):
            self.count += len(data)
            self._ahead += data
            if time.monotonic() > ends:
                raise CutOffError(timed_out=True)
        return self._ahead[:size]

    def peek_up_to_break(self, size: int) -> bytes:
        """The same; where the body breaks off before, what came is there to be read, and then the break is raised."""
        try:
            return self.peek(size)
        except (CutOffError, TruncatedError) as error:
            if not self._ahead:
                raise
            self._break = error
            return self._ahead[:size]


class Inflater:
    """Unpacks gzip of any number of members, zlib, or raw deflate, a bounded piece at a time."""

    def __init__(self, source: Source, wbits: int) -> None:
        self._source, self._wbits = source, wbits
        self._decompressor = zlib.decompressobj(wbits)
        self._pending, self._has_more = b"", False
        self._restart_checks()
        self.has_ended = False

    def _restart_checks(self) -> None:
        self._crc, self._adler, self._size = 0, 1, 0

    def read(self, size: int) -> bytes:
        ends = time.monotonic() + MAX_SILENT_SECONDS
        while not self.has_ended:
            # Whoever reads can act on a deadline only between two pieces.
            if time.monotonic() > ends:
                raise CutOffError(timed_out=True)
            if self._decompressor.eof:
                self._begin_member()
                continue
            if not self._has_more and not self._pending:
                self._pending = self._source.read(READ_BYTES)
                if not self._pending:
                    if not self._lacks_only_its_check():
                        raise TruncatedError
                    self.has_ended = True
                    break
            try:
                data = self._decompressor.decompress(self._pending, size)
            except zlib.error:
                raise ContentCodingError("It came packed, and what came is damaged: it cannot be unpacked.") from None
            self._pending = self._decompressor.unconsumed_tail
            self._has_more = len(data) == size  # Then there may be more without more input.
            if data:
                if self._wbits == GZIP:
                    self._crc = zlib.crc32(data, self._crc)
                elif self._wbits == ZLIB:
                    self._adler = zlib.adler32(data, self._adler)
                self._size += len(data)
                return data
        return b""

    def _lacks_only_its_check(self) -> bool:
        """Whether the packed data came to their last block, and only the checksum behind it is missing, or its end.

        Some programs leave it out, and browsers do not miss it. With the bytes that it would have the data end: if more
        than it were missing, those bytes would not suffice for the rest and for the checksum.
        """
        if self._wbits == RAW_DEFLATE:
            return False
        check = self._adler.to_bytes(4, "big")
        if self._wbits == GZIP:
            check = self._crc.to_bytes(4, "little") + (self._size & 0xFFFFFFFF).to_bytes(4, "little")
        for missing in range(1, len(check) + 1):
            attempt = self._decompressor.copy()
            try:
                if not attempt.decompress(check[-missing:]) and attempt.eof:
                    return True
            except zlib.error:
                continue
        return False

    def _begin_member(self) -> None:
        """Goes on with the next member of a gzip, if there is one behind any padding; else reads to the end."""
        rest, count = self._decompressor.unused_data, 0
        try:
            while True:
                rest = rest.lstrip(b"\0")
                if self._wbits == GZIP and rest.startswith(GZIP_MAGIC):
                    self._decompressor = zlib.decompressobj(self._wbits)
                    self._pending, self._has_more = rest, False
                    self._restart_checks()
                    return
                if count > MAX_TRAILING_BYTES:
                    raise ContentCodingError("It came packed, with too much behind its end.")
                if not (data := self._source.read(READ_BYTES)):
                    break
                count += len(data)
                if len(rest) < len(GZIP_MAGIC):  # Behind what is no member nothing counts, as for `gzip` itself.
                    rest += data
        except CutOffError as error:
            if error.is_short:
                raise
            # A last chunk is missing, but the packed data's own check held.
        self.has_ended = True
