"""Compares two archives: names, checksums and sizes of the members.

Of a zip only the directory is read; a tar, which has none, is read through within bounds of time and bytes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from exports.preview.cells import PreviewError, clip_text
from exports.storage import safe_zip
from exports.storage.readable import Readable
from exports.storage.tar_stream import TooLongError, read_entries

MAX_MEMBERS: Final = 100_000
MAX_DIRECTORY_BYTES: Final = 32 * 1024 * 1024
# Of each tar.
MAX_UNPACKED_BYTES: Final = 4 * 1024 * 1024 * 1024
MAX_SECONDS: Final = 10.0


@dataclass(frozen=True)
class MemberSamples:
    """Names of members; of changed ones with the sizes before and after, in bytes."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[tuple[str, int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class MemberChanges:
    """What differs between two archives. `members`: how many files the old and the new one have."""

    members: tuple[int, int]
    added: int
    removed: int
    changed: int
    samples: MemberSamples = field(default_factory=MemberSamples)
    kind: str = "members"


def compare_archives(old: Readable, new: Readable, *, samples: int = 0, **_: object) -> MemberChanges:
    """Compares the files in two zip archives; folders are left out. `samples`: how many names of each kind to show.

    Raises PreviewError past MAX_MEMBERS, DirectoryTooLargeError, BrokenArchiveError, OSError.
    """
    return _compare(_zip_members(old), _zip_members(new), samples)


def compare_tars(old: Readable, new: Readable, *, samples: int = 0, **_: object) -> MemberChanges:
    """As `compare_archives`, for gzip-compressed tars. Raises PreviewError also where they are too long to be read."""
    try:
        return _compare(_tar_members(old), _tar_members(new), samples)
    except TooLongError:
        raise PreviewError("The archives are too large to be compared here.") from None


def _compare(before: dict[str, int], after: dict[str, int], samples: int) -> MemberChanges:
    added, removed = after.keys() - before.keys(), before.keys() - after.keys()
    changed = [name for name, content in before.items() if after.get(name, content) != content]
    return MemberChanges(
        (len(before), len(after)),
        len(added),
        len(removed),
        len(changed),
        MemberSamples(
            _first(added, samples),
            _first(removed, samples),
            [(clip_text(name), before[name] >> 32, after[name] >> 32) for name in islice(sorted(changed), samples)],
        ),
    )


def _zip_members(source: Readable) -> dict[str, int]:
    with safe_zip.open_zip(source, MAX_DIRECTORY_BYTES) as archive:
        return _by_name((entry.name, entry.size, entry.crc) for entry in archive.entries() if not entry.is_folder)


def _tar_members(source: Readable) -> dict[str, int]:
    with source.open("rb") as file:
        entries = read_entries(file, max_bytes=MAX_UNPACKED_BYTES, max_seconds=MAX_SECONDS, checksums=True)
        return _by_name((entry.name, entry.size, entry.checksum) for entry in entries if not entry.is_folder)


def _by_name(files: Iterable[tuple[str, int, int]]) -> dict[str, int]:
    """The size and the checksum (the lower 32 bits) of each file. Of several with one name the last counts."""
    members: dict[str, int] = {}
    for name, size, checksum in files:
        members[name] = size << 32 | checksum
        if len(members) > MAX_MEMBERS:
            raise PreviewError(f"An archive has more than {MAX_MEMBERS:,} files, more than are compared here.")
    return members


def _first(names: Iterable[str], count: int) -> list[str]:
    return [clip_text(name) for name in islice(sorted(names), count)] if count else []
