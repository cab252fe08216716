"""The places where files are kept: the one for new files, and that of each row."""

import functools
from collections.abc import Iterator

from django.conf import settings

from exports.models import File
from exports.storage.bucket.address import parse_address
from exports.storage.bucket.bucket import Bucket
from exports.storage.disk import Disk
from exports.storage.place import Place
from exports.storage.readable import Readable

DISK = Disk()


def current() -> Place:
    """The place for new files: the bucket of STORAGE_URL, else the disk."""
    return _bucket(settings.STORAGE_URL) if settings.STORAGE_URL else DISK


def place_at(address: str) -> Place:
    """The place that rows call so (`File.storage`): "" for the disk. Raises ValueError where it is the address of none.

    Where it is that of STORAGE_URL, the setting holds, which may say more than rows do, such as how it is reached.
    """
    if not address:
        return DISK
    place, named = current(), _bucket(address)
    return place if place.identity == named.identity else named


def place_of(file: File) -> Place:
    """The place of a kept file."""
    return place_at(file.storage)


def readable(file: File) -> Readable:
    """The bytes of a kept file. Raises OSError, FileNotFoundError; opening and reading it may, too."""
    return place_of(file).readable(file.path)


def describe(file: File) -> str:
    """Where a kept file lies, for an operator."""
    return place_of(file).describe(file.path)


def exists(file: File) -> bool:
    """Whether the bytes of a kept file are there. Raises OSError where the place does not answer."""
    try:
        place_of(file).size(file.path)
    except FileNotFoundError:
        return False
    return True


def delete(file: File) -> None:
    """Deletes the bytes of a file, also those that a move has left. Raises OSError."""
    place_of(file).delete(file.path)
    if file.moved_at is not None:
        place_at(file.moved_from).delete(file.path)


def in_use(*, all_of_them: bool) -> Iterator[Place]:
    """Yields the disk and the place for new files; `all_of_them`: also those that rows name."""
    identities = {"", current().identity}
    if all_of_them:
        identities |= set(File.objects.filter(deleted_at=None).order_by().values_list("storage", flat=True).distinct())
    return (place_at(identity) for identity in sorted(identities))


@functools.lru_cache(maxsize=20)
def _bucket(address: str) -> Bucket:
    return Bucket(parse_address(address))
