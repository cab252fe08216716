"""A small playable MP4: H.264 key frames of raw samples, and frames between them that repeat the picture before.

The layout follows ISO/IEC 14496-12 (boxes), -15 (avc1) and -10 (the bit stream, Baseline profile).
"""

import struct

from exports.sandbox.blob import Blob, Part, RepeatedBytes

COLUMNS, ROWS = 12, 4  # in macroblocks of 16 x 16 samples
FRAMES, FRAMES_PER_SECOND, KEYFRAME_INTERVAL = 20, 5, 10
TEXT = "STAND-IN VIDEO"
# Five columns per letter, the lowest bit on top.
GLYPHS = {
    "S": (0x46, 0x49, 0x49, 0x49, 0x31),
    "T": (0x01, 0x01, 0x7F, 0x01, 0x01),
    "A": (0x7E, 0x09, 0x09, 0x09, 0x7E),
    "N": (0x7F, 0x04, 0x08, 0x10, 0x7F),
    "D": (0x7F, 0x41, 0x41, 0x22, 0x1C),
    "-": (0x08, 0x08, 0x08, 0x08, 0x08),
    "I": (0x00, 0x41, 0x7F, 0x41, 0x00),
    "V": (0x1F, 0x20, 0x40, 0x20, 0x1F),
    "E": (0x7F, 0x49, 0x49, 0x49, 0x41),
    "O": (0x3E, 0x41, 0x41, 0x41, 0x3E),
    " ": (0, 0, 0, 0, 0),
}


class BitWriter:
    """Writes bits in the order of H.264."""

    def __init__(self) -> None:
        self._done = bytearray()
        self._value = self._count = 0

    def fixed(self, value: int, width: int) -> "BitWriter":
        """Appends an unsigned number of `width` bits."""
        self._value, self._count = self._value << width | value, self._count + width
        while self._count >= 8:
            self._count -= 8
            self._done.append(self._value >> self._count & 0xFF)
        self._value &= (1 << self._count) - 1
        return self

    def golomb(self, *values: int) -> "BitWriter":
        """Appends Exp-Golomb codes of unsigned numbers (a signed zero has the same code as zero)."""
        for value in values:
            self.fixed(value + 1, 2 * (value + 1).bit_length() - 1)
        return self

    def raw(self, data: bytes) -> "BitWriter":
        """Appends whole bytes, after zero bits up to the next byte."""
        if self._count:
            self.fixed(0, 8 - self._count)
        self._done += data
        return self

    def unit(self, kind: int) -> bytes:
        """The bits as a NAL unit: stop bit, padding, and a 3 wherever the data would contain a start code."""
        self.fixed(1, 1).raw(b"")
        unit, zeros = bytearray([kind]), 0
        for byte in self._done:
            if zeros >= 2 and byte <= 3:
                unit.append(3)
                zeros = 0
            unit.append(byte)
            zeros = zeros + 1 if byte == 0 else 0
        return bytes(unit)


def build_mp4(shade: int, size: int | None) -> Blob:
    """A video of four seconds whose background depends on `shade`; filled up to `size` bytes where that is more."""
    sequence = BitWriter().fixed(66, 8).fixed(0xC0, 8).fixed(30, 8).golomb(0, 0, 2, 1).fixed(0, 1)
    sps = sequence.golomb(COLUMNS - 1, ROWS - 1).fixed(0b1100, 4).unit(0x67)
    pps = BitWriter().golomb(0, 0).fixed(0, 2).golomb(0, 0, 0).fixed(0, 3).golomb(0, 0, 0).fixed(0b100, 3).unit(0x68)
    samples = [_sample(frame, shade) for frame in range(FRAMES)]
    kind = _box("ftyp", b"isom" + struct.pack(">I", 0x200) + b"isomiso2avc1mp41")
    movie = _movie(sps, pps, [len(sample) for sample in samples], 0)
    movie = _movie(sps, pps, [len(sample) for sample in samples], len(kind) + len(movie) + 8)
    parts: list[Part] = [kind, movie, _box("mdat", b"".join(samples))]
    missing = (size or 0) - sum(len(part) for part in parts)
    if missing > 16:
        parts += [struct.pack(">I4sQ", 1, b"free", missing), RepeatedBytes(bytes(range(256)) * 16, missing - 16)]
    return Blob(parts)


def _sample(frame: int, shade: int) -> bytes:
    number = frame % KEYFRAME_INTERVAL
    if number:
        slice_ = BitWriter().golomb(0, 5, 0).fixed(number, 4).fixed(0, 3).golomb(0, 1, COLUMNS * ROWS)
        unit = slice_.unit(0x41)
    else:
        slice_ = BitWriter().golomb(0, 7, 0).fixed(0, 4).golomb(frame // KEYFRAME_INTERVAL).fixed(0, 2).golomb(0, 1)
        light = _picture(shade + frame)
        for row in range(0, ROWS * 16, 16):
            for column in range(0, COLUMNS * 16, 16):
                slice_.golomb(25).raw(b"".join(light[row + y][column : column + 16] for y in range(16)))
                slice_.raw(bytes([128 + shade % 40]) * 64 + bytes([118 - shade % 30]) * 64)
        unit = slice_.unit(0x65)
    return struct.pack(">I", len(unit)) + unit


def _picture(shade: int) -> list[bytes]:
    """The brightness of the samples, row by row: light letters of double size on a darker background."""
    ground = 40 + shade % 60
    rows = [bytearray([ground]) * (COLUMNS * 16) for _ in range(ROWS * 16)]
    left, top = (COLUMNS * 16 - len(TEXT) * 12) // 2, (ROWS * 16 - 14) // 2
    for place, letter in enumerate(TEXT):
        for x, column in enumerate(GLYPHS[letter]):
            for y in range(7):
                if column >> y & 1:
                    for line in (0, 1):
                        start = left + place * 12 + x * 2
                        rows[top + y * 2 + line][start : start + 2] = b"\xdc\xdc"
    return [bytes(row) for row in rows]


def _box(name: str, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return struct.pack(">I4s", len(body) + 8, name.encode()) + body


def _full(name: str, flags: int, *contents: bytes) -> bytes:
    return _box(name, struct.pack(">I", flags), *contents)


def _numbers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def _movie(sps: bytes, pps: bytes, sizes: list[int], offset: int) -> bytes:
    width, height = COLUMNS * 16, ROWS * 16
    length = FRAMES * 1000 // FRAMES_PER_SECOND
    matrix = _numbers(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    keys = [frame + 1 for frame in range(0, FRAMES, KEYFRAME_INTERVAL)]
    config = b"\x01" + sps[1:4] + b"\xff\xe1" + struct.pack(">H", len(sps)) + sps
    config += b"\x01" + struct.pack(">H", len(pps)) + pps
    entry = _box(
        "avc1",
        struct.pack(">6xH16xHHIIIH32sHh", 1, width, height, 0x480000, 0x480000, 0, 1, b"\x08stand-in", 24, -1),
        _box("avcC", config),
    )
    table = _box(
        "stbl",
        _full("stsd", 0, _numbers(1), entry),
        _full("stts", 0, _numbers(1, FRAMES, 1000 // FRAMES_PER_SECOND)),
        _full("stss", 0, _numbers(len(keys), *keys)),
        _full("stsc", 0, _numbers(1, 1, FRAMES, 1)),
        _full("stsz", 0, _numbers(0, FRAMES, *sizes)),
        _full("stco", 0, _numbers(1, offset)),
    )
    media = _box(
        "mdia",
        _full("mdhd", 0, _numbers(0, 0, 1000, length), struct.pack(">HH", 0x55C4, 0)),
        _full("hdlr", 0, _numbers(0), b"vide", bytes(12), b"stand-in video\0"),
        _box(
            "minf",
            _full("vmhd", 1, bytes(8)),
            _box("dinf", _full("dref", 0, _numbers(1), _full("url ", 1))),
            table,
        ),
    )
    track = _box(
        "trak",
        _full("tkhd", 3, _numbers(0, 0, 1, 0, length, 0, 0, 0, 0), matrix, _numbers(width << 16, height << 16)),
        media,
    )
    header = _full(
        "mvhd", 0, _numbers(0, 0, 1000, length, 0x10000), b"\x01\x00" + bytes(10), matrix, bytes(24), _numbers(2)
    )
    note = _box(
        "udta", _full("cprt", 0, struct.pack(">H", 0x55C4), b"Made by a stand-in provider, not by the real service\0")
    )
    return _box("moov", header, track, note)
