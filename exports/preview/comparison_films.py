"""Compares two videos by their sizes and lengths."""

from dataclasses import dataclass

from exports.storage.readable import Readable, size_of
from exports.storage.verify.film_index import read_seconds


@dataclass(frozen=True)
class FilmChanges:
    """Sizes in bytes and lengths in seconds, of the old and the new video. None: the index does not say the length."""

    size: tuple[int, int]
    seconds: tuple[float | None, float | None]
    kind: str = "film"


def compare_films(old: Readable, new: Readable, **_: object) -> FilmChanges:
    """Reads the indexes of two videos. Raises OSError."""
    sizes, seconds = [size_of(source) for source in (old, new)], [read_seconds(source) for source in (old, new)]
    return FilmChanges((sizes[0], sizes[1]), (seconds[0], seconds[1]))
