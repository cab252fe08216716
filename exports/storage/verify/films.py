"""Checks that an MP4 file is a whole film: its index and its pictures are there to their ends (ISO/IEC 14496-12)."""

from pathlib import Path
from typing import IO, Final

from exports.storage.verify.content import HEAD_BYTES, BadFileError, identify_binary, identify_text

MAX_BOXES: Final = 200_000
# The boxes of which a film cannot lack a part. Players skip one of another type that is cut off, or what is no box.
FILM_BOXES: Final = frozenset({b"ftyp", b"moov", b"moof", b"mdat", b"styp", b"sidx"})
# What a file may begin with; older ones have no `ftyp`.
FIRST_BOXES: Final = FILM_BOXES | {b"free", b"skip", b"wide", b"pnot", b"uuid", b"pdin"}
MOVIE_HEADERS: Final = frozenset({b"mvhd", b"trak", b"cmov"})


def check_mp4(path: Path) -> str:
    """Raises BadFileError when the file is no film, or not whole. Returns ""."""
    size = path.stat().st_size
    seen: set[bytes] = set()
    count = offset = 0
    with path.open("rb") as file:
        while offset < size:
            length, name = _read_box(file, offset, size)
            if not seen and name not in FIRST_BOXES:
                raise _no_film(path)
            if length < 8 or offset + length > size:
                if name in FILM_BOXES or not {b"moov", b"mdat"} <= seen:
                    raise BadFileError("The video is cut off.")
                break  # stray bytes behind a film that is whole
            if name == b"moov" and not _has_movie_header(file, offset, length):
                raise BadFileError("The video's index is empty.")
            seen.add(name)
            offset += length
            count += 1
            if count > MAX_BOXES:
                raise BadFileError(f"The video has more than {MAX_BOXES} parts.")
    if not {b"moov", b"mdat"} <= seen:
        raise BadFileError("The video lacks its index or its pictures.")
    return ""


def _no_film(path: Path) -> BadFileError:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    named = identify_binary(head).replace("not text", "") or identify_text(head.decode("utf-8", "replace"))
    return BadFileError(f"The file is {named or 'not an mp4 video'}.", is_placeholder=bool(named))


def _has_movie_header(file: IO[bytes], offset: int, length: int) -> bool:
    """Whether the box holds one of MOVIE_HEADERS among its first boxes."""
    end, inner = offset + length, offset + 8
    for _ in range(100):
        if inner + 8 > end:
            return False
        inner_length, name = _read_box(file, inner, end)
        if name in MOVIE_HEADERS and inner_length >= 8 and inner + inner_length <= end:
            return True
        if inner_length < 8:
            return False
        inner += inner_length
    return False


def _read_box(file: IO[bytes], offset: int, end: int) -> tuple[int, bytes]:
    """Returns the length and the type of the box at `offset`; a length of 0 stands for up to the end."""
    file.seek(offset)
    head = file.read(16)
    length, name = int.from_bytes(head[:4], "big"), head[4:8]
    if length == 1 and len(head) == 16:
        length = int.from_bytes(head[8:16], "big")
        length = 0 if length < 16 else length
        return (length or 1), name
    if length == 0 and len(name) == 4:
        length = end - offset
    return length, name
