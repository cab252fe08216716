"""Undoes how the bytes of an answer were packed for their way: Content-Encoding, and Transfer-Encoding's gzip.

One place decides what was sent. The header only says what may be expected; the bytes decide:

- Words that pack nothing (identity, utf-8, none, aws-chunked, any word that is not known) change nothing.
- gzip and deflate are told apart by their first bytes: gzip of one or many members, with padding or other bytes behind
  them as `gzip` itself allows; deflate with zlib's head, or raw.
- A body that is plain although a header says it is packed stays as it is. One that is gzip although no header says so
  is unpacked too, unless what is asked for begins as gzip does itself (`keeps_gzip`, as of a tar.gz). Then the
  innermost gzip is the file, whatever a header says, and only what is around it is undone.
- Packed data that came to their end, but lack the checksum behind it, are whole.
- What cannot be unpacked (br, zstd, damaged data) raises ContentCodingError.
"""

import re
import zlib
from collections.abc import Iterator
from typing import Final

from exports.transport.errors import ContentCodingError, UnreadableError
from exports.transport.inflater import (
    GZIP,
    GZIP_MAGIC,
    RAW_DEFLATE,
    READ_BYTES,
    ZLIB,
    Inflater,
    Source,
    TruncatedError,
)
from exports.transport.response_reader import CutOffError, ResponseReader, split_words

ZLIB_CODINGS: Final = frozenset({"gzip", "x-gzip", "deflate", "x-deflate", "zlib"})
OTHER_CODINGS: Final = frozenset(
    {"br", "zstd", "dcb", "dcz", "compress", "x-compress", "bzip2", "x-bzip2", "xz", "x-xz", "lzma", "exi", "lz4"}
)
PROBE_BYTES: Final = 1024
MAX_LAYERS: Final = 5
# A single gzip reaches 1032 : 1 with nothing but zeros; a table of equal rows stays well below.
MAX_RATIO: Final = 1000
MIN_RATIO_BYTES: Final = 64 * 1024 * 1024
KNOWN_BEGINNINGS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"\xff\xfe", b"\xfe\xff", b"%PDF-")
BOX_NAMES: Final = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp"})
CONTROLS: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")


class Body:
    """The body of an answer as it was before it was packed. `keeps_gzip`: what was asked for is a gzip file itself."""

    def __init__(self, response: ResponseReader, *, keeps_gzip: bool = False) -> None:
        self._response, self._keeps_gzip = response, keeps_gzip
        self._raw = Source(response.read1)
        self._stream: Source | None = None
        self._inflaters: list[Inflater] = []

    @property
    def is_encoded(self) -> bool:
        """Whether the bytes came packed, so that positions in the file are none in the answer: no Range.

        Reads the beginning of the body. Raises ContentCodingError, CutOffError, MalformedError.
        """
        self._open()
        return bool(self._inflaters)

    @property
    def length(self) -> int | None:
        """The bytes of the body on its way, where its length delimits it: chunks override what a header says of it."""
        return self._response.length

    @property
    def has_surplus(self) -> bool:
        """Whether more came than the length said, so that the length is wrong. To be read last."""
        return self._response.has_surplus

    @property
    def is_proven_whole(self) -> bool:
        """Whether length, last chunk or the packed data's own check say that nothing is missing. To be read last."""
        has_checked_end = bool(self._inflaters) and all(inflater.has_ended for inflater in self._inflaters)
        return has_checked_end or (self._response.is_delimited and self._response.is_complete)

    def chunks(self, size: int) -> Iterator[bytes]:
        """Pieces of at most `size` bytes as they arrive. Raises ContentCodingError, CutOffError, MalformedError."""
        stream, count = self._open(), 0
        try:
            while chunk := stream.read(size):
                count += len(chunk)
                if self._inflaters and count > max(MIN_RATIO_BYTES, MAX_RATIO * self._raw.count):
                    raise ContentCodingError(f"It unpacks to more than {MAX_RATIO} times its size.")
                yield chunk
        except TruncatedError:
            raise self._truncated() from None

    def read_all(self, max_bytes: int) -> bytes:
        """The whole body. Raises UnreadableError above `max_bytes`, and what `chunks` raises."""
        pieces: list[bytes] = []
        size = 0
        try:
            for chunk in self.chunks(READ_BYTES):
                size += len(chunk)
                if size > max_bytes:
                    raise UnreadableError(f"The answer has more than {max_bytes // 1024 // 1024} MB.")
                pieces.append(chunk)
        except CutOffError as error:
            if not (error.timed_out and pieces and self._response.has_odd_length):
                raise
            # It named an end that nobody can read, and keeps the connection open behind it: the content must do.
        return b"".join(pieces)

    def _truncated(self) -> Exception:
        if self._response.is_delimited and self._response.is_complete:
            return ContentCodingError("It came packed and incomplete: it cannot be unpacked to its end.")
        return CutOffError()

    def _open(self) -> Source:
        if self._stream is not None:
            return self._stream
        headers = self._response.headers
        named = split_words(headers.get("Content-Encoding", "")) + split_words(headers.get("Transfer-Encoding", ""))
        codings = [word for word in named if word in ZLIB_CODINGS or word in OTHER_CODINGS]
        if len(codings) > MAX_LAYERS:
            raise ContentCodingError(f"It came packed more than {MAX_LAYERS} times.")
        source = self._raw
        try:
            for coding in reversed(codings):
                source = self._undo(source, coding)
            while source.peek(len(GZIP_MAGIC)) == GZIP_MAGIC and not self._is_file(source):
                source = self._inflate(source, GZIP)
        except TruncatedError:
            raise self._truncated() from None
        self._stream = source
        return source

    def _undo(self, source: Source, coding: str) -> Source:
        probe = source.peek(PROBE_BYTES)
        if not probe:
            return source
        if probe.startswith(GZIP_MAGIC):
            return source if self._is_file(source) else self._inflate(source, GZIP)
        if coding in ZLIB_CODINGS and _inflates(probe, ZLIB):
            return self._inflate(source, ZLIB)
        if is_plain(probe):
            return source
        if coding in ZLIB_CODINGS and _inflates(probe, RAW_DEFLATE):
            return self._inflate(source, RAW_DEFLATE)
        if coding in OTHER_CODINGS:
            raise ContentCodingError(f"It came packed as {coding}, which the portal did not ask for and cannot unpack.")
        raise ContentCodingError(f"It came as {coding} by its header, but cannot be unpacked.")

    def _is_file(self, source: Source) -> bool:
        """Whether a gzip is the file itself, and not what a gzip file was packed in on its way."""
        if not self._keeps_gzip:
            return False
        try:
            inside = zlib.decompressobj(GZIP).decompress(source.peek_up_to_break(PROBE_BYTES), PROBE_BYTES)
        except zlib.error:
            return True
        return not inside.startswith(GZIP_MAGIC)

    def _inflate(self, source: Source, wbits: int) -> Source:
        if len(self._inflaters) >= MAX_LAYERS:
            raise ContentCodingError(f"It came packed more than {MAX_LAYERS} times.")
        inflater = Inflater(source, wbits)
        self._inflaters.append(inflater)
        return Source(inflater.read)


def _inflates(probe: bytes, wbits: int) -> bool:
    """Whether the beginning of a body can be unpacked so."""
    decompressor = zlib.decompressobj(wbits)
    try:
        data = decompressor.decompress(probe, READ_BYTES)
    except zlib.error:
        return False
    if wbits == RAW_DEFLATE and decompressor.eof and decompressor.unused_data.strip(b"\0"):
        return False  # It has no head and no check, so bytes behind its end say that it is none.
    if wbits == ZLIB and len(probe) < PROBE_BYTES:
        return decompressor.eof  # All of it is here, so its check must be, too.
    return bool(data) or decompressor.eof


def is_plain(probe: bytes) -> bool:
    """Whether a body that begins so is a text, or a file of a known kind, and not packed."""
    if probe.startswith(KNOWN_BEGINNINGS) or probe[4:8] in BOX_NAMES:
        return True
    for half in (probe[0::2], probe[1::2]):  # UTF-16 without a mark
        if len(half) >= 4 and half.count(0) * 2 > len(half):
            probe = probe.replace(b"\0", b"")
            break
    if CONTROLS.search(probe):
        return False
    try:
        probe.decode()
    except UnicodeDecodeError as error:
        # A letter that the probe's end cuts is none; a text in Latin-1 is told by its length without a control.
        return error.start >= len(probe) - 3 or len(probe) >= 64
    return True
