"""What workers that died left in a bucket: notes and pieces of downloads, unfinished uploads, objects without a row."""

import itertools
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, TypeVar

from exports import clock
from exports.models import Export, File
from exports.models.export import OPEN
from exports.storage.bucket import multipart
from exports.storage.bucket.objects import Objects

T = TypeVar("T")

MIN_AGE: Final = timedelta(hours=1)
BATCH: Final = 500


def delete_stale_parts(objects: Objects) -> None:
    """Deletes notes of downloads, and aborts uploads, older than an hour whose exports have ended or are gone.

    Their pieces are orphans then. Raises BucketError.
    """
    notes = {one.name: _export_of(one.name) for one in objects.list("parts") if _is_old(one.modified_at)}
    open_ids = _open_ids(notes.values())
    objects.delete([name for name, export_id in notes.items() if export_id not in open_ids])
    address = objects.address
    for some in _batches(multipart.list_uploads(address, address.key("files/"))):
        open_ids = _open_ids(_export_of(address.name(upload.key), 2) for upload in some)
        for upload in some:
            is_stale = upload.begun_at is not None and _is_old(upload.begun_at)
            if is_stale and _export_of(address.name(upload.key), 2) not in open_ids:
                multipart.abort(address, upload)


def orphans(objects: Objects, identity: str) -> Iterator[str]:
    """Yields names of objects older than an hour without a row that keeps them here, of exports that have ended."""
    old = (one.name for one in objects.list("files") if _is_old(one.modified_at))
    for some in _batches(old):
        open_ids = _open_ids(_export_of(name, 2) for name in some)
        names = {name.removeprefix("files/"): _export_of(name, 2) for name in some}
        rows = File.objects.filter(path__in=list(names))
        known = set(rows.filter(storage=identity, deleted_at=None).values_list("path", flat=True))
        known |= set(rows.filter(moved_from=identity).values_list("path", flat=True))
        yield from (name for name, export_id in names.items() if name not in known and export_id not in open_ids)


def _open_ids(export_ids: Iterable[int]) -> set[int]:
    return set(Export.objects.filter(pk__in=set(export_ids), status__in=OPEN).values_list("pk", flat=True))


def _export_of(name: str, at: int = 1) -> int:
    """The export that a name belongs to, by its folder; 0 for none."""
    folders = name.split("/")
    return int(folders[at]) if len(folders) > at and folders[at].isdigit() else 0


def _is_old(at: datetime) -> bool:
    return at < clock.now() - MIN_AGE


def _batches(rows: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(rows)
    while some := list(itertools.islice(iterator, BATCH)):
        yield some
