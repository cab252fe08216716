"""The pictures that a film's index names are in the file; which boxes it has is not enough."""

import struct
from pathlib import Path

import pytest

from exports.storage.verify import BadFileError, verify
from tests.storage.test_films_are_whole import FTYP, box

COUNT, SIZE = 10, 100
PICTURES = bytes(range(100)) * COUNT


def numbers(code: str, *values: int) -> bytes:
    return struct.pack(f">{len(values)}{code}", *values)


def index(first: int, *, wide: bool = False, per_chunk: int = 1, same: bool = False, kind: bytes = b"vide") -> bytes:
    """An index of COUNT pictures of SIZE bytes each, the first one at `first`."""
    starts = [first + chunk * per_chunk * SIZE for chunk in range(COUNT // per_chunk)]
    places = box(b"co64" if wide else b"stco", numbers("I", 0, len(starts)) + numbers("Q" if wide else "I", *starts))
    sizes = box(b"stsz", numbers("I", 0, SIZE, COUNT) if same else numbers("I", 0, 0, COUNT, *[SIZE] * COUNT))
    runs = box(b"stsc", numbers("I", 0, 1, 1, per_chunk, 1))
    handler = box(b"hdlr", bytes(8) + kind + bytes(13))
    media = box(b"mdia", handler + box(b"minf", box(b"stbl", runs + sizes + places)))
    return box(b"moov", box(b"mvhd", bytes(100)) + box(b"trak", box(b"tkhd", bytes(84)) + media))


def film(*, index_last: bool = False, **kinds: bool | int | bytes) -> bytes:
    pictures = box(b"mdat", PICTURES)
    if index_last:
        return FTYP + pictures + index(len(FTYP) + 8, **kinds)  # type: ignore[arg-type]
    length = len(index(0, **kinds))  # type: ignore[arg-type]
    return FTYP + index(len(FTYP) + length + 8, **kinds) + pictures  # type: ignore[arg-type]


def segments(*, count: int, there: int, wide: bool = False) -> bytes:
    """A film of `count` segments by its index, of which so many are there."""
    segment = box(b"moof", bytes(20)) + box(b"mdat", bytes(500))
    times = numbers("Q", 0, 0) if wide else numbers("I", 0, 0)
    entries = numbers("I", len(segment), 1, 0) * count
    head = bytes([wide, 0, 0, 0]) + numbers("I", 1, 1000) + times + numbers("H", 0, count)
    moov = box(b"moov", box(b"mvhd", bytes(100)))
    return FTYP + moov + box(b"sidx", head + entries) + segment * there


WHOLE = {
    "pictures last": film(),
    "index last": film(index_last=True),
    "wide places": film(wide=True),
    "all in one chunk": film(per_chunk=COUNT),
    "pictures of the same size": film(same=True, per_chunk=5),
    "up to the end of the file": film().replace(struct.pack(">I4s", 1008, b"mdat"), struct.pack(">I4s", 0, b"mdat")),
    "a track of titles that points elsewhere": FTYP + index(1 << 30, kind=b"text") + box(b"mdat", PICTURES),
    "segments": segments(count=4, there=4),
    "segments with wide times": segments(count=4, there=4, wide=True),
}
BROKEN = {
    "no pictures": film()[: -len(PICTURES) - 8] + box(b"mdat"),
    "fewer pictures": film()[: -len(PICTURES) - 8] + box(b"mdat", PICTURES[:-1]),
    "fewer pictures before the index": FTYP + box(b"mdat", PICTURES[:450]) + index(len(FTYP) + 8),
    "cut where the last box has no length": WHOLE["up to the end of the file"][:-1],
    "one chunk that is cut": film(per_chunk=COUNT)[: -len(PICTURES) - 8] + box(b"mdat", PICTURES[:-1]),
    "places behind the file": FTYP + index(0xFFFF0000) + box(b"mdat", PICTURES),
    "wide places behind the file": FTYP + index(1 << 40, wide=True) + box(b"mdat", PICTURES),
    "fewer segments": segments(count=4, there=3),
    "a fragment without its pictures": segments(count=1, there=1) + box(b"moof", bytes(20)),
    "fewer segments with wide times": segments(count=4, there=2, wide=True),
}


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_film_with_all_that_its_index_names_is_kept(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "film").write_bytes(data)
    assert verify(tmp_path / "film", "mp4") == ""


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_film_without_what_its_index_names_is_cut_off(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "film").write_bytes(data)
    with pytest.raises(BadFileError, match="cut off"):
        verify(tmp_path / "film", "mp4")


def test_of_fragments_without_an_index_and_a_length_it_is_said_that_nothing_shows_them_whole(tmp_path: Path) -> None:
    moov = box(b"moov", box(b"mvhd", bytes(100)))
    (tmp_path / "film").write_bytes(FTYP + moov + (box(b"moof", bytes(20)) + box(b"mdat", bytes(50))) * 3)
    assert verify(tmp_path / "film", "mp4") == ""
    assert "Nothing shows that the film is whole" in verify(tmp_path / "film", "mp4", length_known=False)
