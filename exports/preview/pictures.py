"""What a picture is and how large, by its first bytes: PNG, JPEG, GIF and WebP, which browsers show without scripts.

Sources: PNG (third edition) 11.2.1; ITU-T T.81, B.1.1.3; GIF89a, 18; RFC 9649. Nothing is decoded.
"""

import re
import struct
from dataclasses import dataclass
from typing import Final

MAX_PIXELS: Final = 50_000_000
# Markers of JPEG that begin a frame, and so name its size.
JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_MARKERS_READ: Final = 500


@dataclass(frozen=True)
class Picture:
    """`content_type` as browsers know it, and the size in pixels."""

    content_type: str
    width: int
    height: int

    @property
    def is_small_enough(self) -> bool:
        """Whether a browser unpacks it in bounded memory."""
        return 0 < self.width * self.height <= MAX_PIXELS


def read_picture(head: bytes) -> Picture | None:
    """Returns what the first bytes of a file say, None where it is no such picture or its size is not in them."""
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR" and len(head) >= 24:
        return Picture("image/png", *struct.unpack_from(">2I", head, 16))
    if re.match(rb"GIF8[79]a", head) and len(head) >= 10:
        return Picture("image/gif", *struct.unpack_from("<2H", head, 6))
    if head.startswith(b"\xff\xd8\xff"):
        size = _jpeg_size(head)
        return Picture("image/jpeg", *size) if size else None
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP" and len(head) >= 30:
        size = _webp_size(head)
        return Picture("image/webp", *size) if size else None
    return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    at = 2
    for _ in range(JPEG_MARKERS_READ):
        while head[at : at + 2] == b"\xff\xff":
            at += 1
        if len(head) < at + 9 or head[at] != 0xFF:
            return None
        marker, length = head[at + 1], int.from_bytes(head[at + 2 : at + 4], "big")
        if marker in JPEG_FRAMES:
            height, width = struct.unpack_from(">2H", head, at + 5)
            return width, height
        at += 2 + length
    return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<2H", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
