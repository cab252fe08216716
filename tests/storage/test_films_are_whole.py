"""What players open is kept, whatever stands behind the film; what is cut off or no film is not."""

import struct
from pathlib import Path

import pytest

from exports.storage.verify import BadFileError, verify


def box(name: bytes, data: bytes = b"", *, large: bool = False) -> bytes:
    if large:
        return struct.pack(">I4sQ", 1, name, len(data) + 16) + data
    return struct.pack(">I4s", len(data) + 8, name) + data


FTYP = box(b"ftyp", b"isom\0\0\2\0")
MOOV = box(b"moov", box(b"mvhd", bytes(100)) + box(b"trak", bytes(50)))
MDAT = box(b"mdat", bytes(1000))
FILM = FTYP + MOOV + MDAT
WHOLE = {
    "pictures last": FILM,
    "index last": FTYP + MDAT + MOOV,
    "fragments": FTYP + MOOV + (box(b"moof", bytes(20)) + MDAT) * 3 + box(b"mfra", bytes(8)),
    "a large box": FTYP + MOOV + box(b"mdat", bytes(100), large=True),
    "a box up to the end": FTYP + MOOV + struct.pack(">I4s", 0, b"mdat") + bytes(100),
    "no type box": MOOV + MDAT,
    "unusual boxes": box(b"free") + FTYP + box(b"uuid", bytes(16)) + MOOV + box(b"wide") + MDAT + box(b"\xa9xyz"),
    "three stray bytes": FILM + bytes(3),
    "zeros behind it": FILM + bytes(64),
    "a line end behind it": FILM + b"\r\n",
    "the boundary of a form behind it": FILM + b"\r\n--boundary--\r\n",
    "a last box that is cut": FILM + box(b"free", bytes(100))[:50],
}
BROKEN = {
    "cut in the pictures": (FILM[:-1], "cut off"),
    "cut in the index": ((FTYP + MDAT + MOOV)[:-1], "cut off"),
    "cut in a fragment": (FILM + box(b"moof", bytes(50))[:20], "cut off"),
    "no index": (FTYP + MDAT, "lacks"),
    "no pictures": (FTYP + MOOV, "lacks"),
    "an empty index": (FTYP + box(b"moov") + MDAT, "index is empty"),
    "a picture": (box(b"ftyp", b"heic") + box(b"meta", bytes(20)) + MDAT, "lacks"),
    "another kind of film": (b"\x1aE\xdf\xa3" + bytes(100), "Matroska"),
    "a page": (b"<!DOCTYPE html><html>", "a web page"),
    "text": (b"no film at all", "not an mp4 video"),
}


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_whole_film_is_kept(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "film").write_bytes(data)
    assert verify(tmp_path / "film", "mp4") == ""


@pytest.mark.parametrize(("data", "why"), BROKEN.values(), ids=BROKEN)
def test_a_broken_film_is_a_bad_file(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "film").write_bytes(data)
    with pytest.raises(BadFileError, match=why):
        verify(tmp_path / "film", "mp4")
