"""Checks that an MP4 file is a whole film: its index and its pictures are there to their ends (ISO/IEC 14496-12)."""

from typing import IO, Final

from exports.storage.readable import Readable, size_of
from exports.storage.verify.content import HEAD_BYTES, BadFileError, identify_binary, identify_text
from exports.storage.verify.film_index import named_end, read_box, segments_end

MAX_BOXES: Final = 200_000
# The boxes of which a film cannot lack a part. Players skip one of another type that is cut off, or what is no box.
FILM_BOXES: Final = frozenset({b"ftyp", b"moov", b"moof", b"mdat", b"styp", b"sidx"})
# What a file may begin with; older ones have no `ftyp`.
FIRST_BOXES: Final = FILM_BOXES | {b"free", b"skip", b"wide", b"pnot", b"uuid", b"pdin"}
MOVIE_HEADERS: Final = frozenset({b"mvhd", b"trak", b"cmov"})
# The boxes that say how many fragments a film has.
FRAGMENT_INDEXES: Final = frozenset({b"sidx", b"mfra"})


def check_mp4(source: Readable, *, length_known: bool = True, **_: object) -> str:
    """Raises BadFileError when the file is no film, or not whole. Returns what could not be checked, or "".

    `length_known`: whether the transport showed that the answer is whole.
    """
    size = size_of(source)
    seen: set[bytes] = set()
    count = offset = needed = pictures_end = fragment = 0
    with source.open("rb") as file:
        while offset < size:
            length, name, head = read_box(file, offset, size)
            if not seen and name not in FIRST_BOXES:
                raise _no_film(source)
            if length < 8 or offset + length > size:
                if name in FILM_BOXES or not {b"moov", b"mdat"} <= seen:
                    raise BadFileError("The video is cut off.")
                break  # stray bytes behind a film that is whole
            if name == b"moov" and not _has_movie_header(file, offset, length):
                raise BadFileError("The video's index is empty.")
            if name == b"moov":
                needed = max(needed, named_end(file, (offset + head, offset + length)))
            elif name == b"moof":
                fragment = offset + length
            elif name == b"mdat":
                pictures_end = offset + length
            elif name == b"sidx" and segments_end(file, (offset + head, offset + length)) > size:
                raise BadFileError("The video is cut off: it has fewer segments than it says.")
            seen.add(name)
            offset += length
            count += 1
            if count > MAX_BOXES:
                raise BadFileError(f"The video has more than {MAX_BOXES} parts.")
    if not {b"moov", b"mdat"} <= seen:
        raise BadFileError("The video lacks its index or its pictures.")
    if needed > pictures_end or fragment > pictures_end:
        raise BadFileError("The video is cut off: its index names pictures that are not there.")
    if not length_known and b"moof" in seen and not FRAGMENT_INDEXES & seen:
        return "Nothing shows that the film is whole: it comes in pieces, and its host did not say where it ends."
    return ""


def _no_film(source: Readable) -> BadFileError:
    with source.open("rb") as file:
        head = file.read(HEAD_BYTES)
    named = identify_binary(head).replace("not text", "") or identify_text(head.decode("utf-8", "replace"))
    return BadFileError(f"The file is {named or 'not an mp4 video'}.", is_placeholder=bool(named))


def _has_movie_header(file: IO[bytes], offset: int, length: int) -> bool:
    """Whether the box holds one of MOVIE_HEADERS among its first boxes."""
    end, inner = offset + length, offset + 8
    for _ in range(100):
        if inner + 8 > end:
            return False
        inner_length, name, _ = read_box(file, inner, end)
        if name in MOVIE_HEADERS and inner_length >= 8 and inner + inner_length <= end:
            return True
        if inner_length < 8:
            return False
        inner += inner_length
    return False
