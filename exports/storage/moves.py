"""Moving kept files to another place, while everything runs. A file that was moved is read from its new place at once.

The bytes at the old place are deleted an hour later: who has opened them reads them to their end.
"""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction

from exports import clock
from exports.models import File
from exports.storage.place import Place
from exports.storage.places import place_at, place_of

log = logging.getLogger(__name__)

CHUNK_BYTES: Final = 1024 * 1024
BATCH: Final = 200
KEPT_BEHIND: Final = timedelta(hours=1)


class NotMovedError(Exception):
    """The file stays where it is; the text says why."""


@dataclass(frozen=True)
class ToMove:
    """What there is to move: kept files elsewhere than the target, and their bytes."""

    files: int
    size: int


def count_files(target: Place) -> ToMove:
    """Returns how many files are kept elsewhere."""
    sizes = list(File.objects.filter(deleted_at=None).exclude(storage=target.identity).values_list("size", flat=True))
    return ToMove(len(sizes), sum(sizes))


def files_to_move(target: Place) -> Iterator[File]:
    """Yields kept files that are elsewhere, the oldest first. One that could not be moved is not yielded again."""
    last = 0
    rows = File.objects.filter(deleted_at=None).exclude(storage=target.identity).order_by("pk")
    while some := list(rows.filter(pk__gt=last)[:BATCH]):
        yield from some
        last = some[-1].pk


def move(file: File, target: Place) -> None:
    """Copies a file to the target, verifies the copy, and has the row point at it. Raises NotMovedError, OSError.

    A copy that an earlier run has made, and that is the same, is used. One that was deleted meanwhile stays deleted.
    """
    file.refresh_from_db(fields=["storage", "moved_at", "deleted_at"])
    if file.deleted_at is not None or file.storage == target.identity:
        return
    if file.moved_at is not None:
        raise NotMovedError("It was moved just now; its bytes at the place before are deleted within an hour or so.")
    if _digest(target, file) != file.sha256:
        target.copy_in(file.path, _checked(file), file.size)
        if _digest(target, file) != file.sha256:
            target.delete(file.path)
            raise NotMovedError("The copy is not what was sent. Nothing was changed.")
    with transaction.atomic():
        is_moved = File.objects.filter(pk=file.pk, deleted_at=None, storage=file.storage, moved_at=None).update(
            storage=target.identity, moved_from=file.storage, moved_at=clock.now()
        )
    if not is_moved and not File.objects.filter(pk=file.pk, deleted_at=None, storage=target.identity).exists():
        target.delete(file.path)


def delete_moved() -> None:
    """Deletes bytes at the places where files were before they were moved, an hour ago or longer."""
    for file in File.objects.filter(moved_at__lt=clock.now() - KEPT_BEHIND).order_by("moved_at")[:BATCH]:
        try:
            place_at(file.moved_from).delete(file.path)
        except (OSError, ValueError) as error:
            log.warning("The bytes of file %s where it was before could not be deleted: %s", file.pk, error)
            continue
        File.objects.filter(pk=file.pk, moved_at=file.moved_at).update(moved_from="", moved_at=None)


def _checked(file: File) -> Iterator[bytes]:
    """Yields the file. Raises NotMovedError at its end, before it is there at its target, where it is damaged."""
    digest, size = hashlib.sha256(), 0
    try:
        with place_of(file).readable(file.path).open("rb") as source:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                yield chunk
    except FileNotFoundError:
        raise NotMovedError("Its bytes are gone from where it is kept.") from None
    if size != file.size or digest.hexdigest() != file.sha256:
        raise NotMovedError("It is damaged: its bytes are not those that were verified.")


def _digest(place: Place, file: File) -> str:
    """The SHA-256 of the copy at a place, "" where there is none, or one of another size."""
    digest = hashlib.sha256()
    try:
        if place.size(file.path) != file.size:
            return ""
        with place.readable(file.path).open("rb") as copy:
            while chunk := copy.read(CHUNK_BYTES):
                digest.update(chunk)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()
