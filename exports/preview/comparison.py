"""What differs between the files of two exports of the same kind, and which export is the one before."""

import threading
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from exports import formats, states
from exports.errors import ConflictError
from exports.models import Export, File
from exports.preview.cells import PreviewError
from exports.preview.comparison_archives import MemberChanges
from exports.preview.comparison_films import FilmChanges
from exports.preview.comparison_tables import TableChanges
from exports.preview.formats import READ_ERRORS
from exports.storage import places, safe_zip
from exports.storage.bucket.errors import BucketError
from exports.storage.readable import Readable
from exports.storage.verify.film_index import read_seconds
from exports.storage.workbook_package import PackageError

Changes = TableChanges | MemberChanges | FilmChanges
# So many comparisons at once in a process, and how long another one waits for its turn.
MAX_AT_ONCE: Final = 2
MAX_WAIT_SECONDS: Final = 5.0
# The last results without examples are kept, by the hashes of the files, which never change.
MAX_KNOWN: Final = 200
_comparing = threading.BoundedSemaphore(MAX_AT_ONCE)
_known: dict[tuple[str, str, str, str, int], Changes] = {}
# The condition of exports that have their file.
KEPT: Final[dict[str, object]] = {
    "status": states.SUCCEEDED,
    "file__isnull": False,
    "file__deleted_at": None,
    "file__damaged_at": None,
}


@dataclass(frozen=True)
class Comparison:
    """The changes from `old` to `new`. `note` says why there are none to show, for a person."""

    old: Export
    new: Export
    identical: bool
    changes: Changes | None
    note: str = ""


def good_exports(export: Export) -> QuerySet[Export]:
    """The succeeded exports of the same project, type, format and options before it, the newest first."""
    same = {name: getattr(export, name) for name in ("project_id", "type", "format", "options_key")}
    rows = Export.objects.filter(**same, status=states.SUCCEEDED, pk__lt=export.pk)
    return rows.select_related("file").order_by("-pk")


def find_previous(export: Export) -> Export | None:
    """The last good export before it of the same project, type, format and options that still has its file."""
    return good_exports(export).filter(**KEPT).first()


def require_file(export: Export) -> File:
    """Returns the kept file of an export. Raises ConflictError where it has none to compare."""
    file = export.file
    if export.status != states.SUCCEEDED or file is None:
        raise ConflictError(f"Export {export.pk} has no file to compare.")
    if file.deleted_at is not None:
        raise ConflictError(f"The file of export {export.pk} was deleted, so it cannot be compared.")
    if file.damaged_at is not None:
        raise ConflictError(f"The file of export {export.pk} is damaged, so it cannot be compared.")
    return file


def compare(one: Export, other: Export, *, key: str = "", samples: int = 0) -> Comparison:
    """Compares the files of two exports of the same project, type and format; the older one is the old one.

    `key`: the column by which rows are matched, "" for the one that fits best. `samples`: how many examples of each
    kind of change to show. Files with the same SHA-256 are not read. Raises ConflictError where an export has no file,
    or is of another kind; InvalidError for an unknown key.
    """
    old, new = sorted((one, other), key=lambda export: export.pk)
    if any(getattr(old, name) != getattr(new, name) for name in ("project_id", "type", "format")) or old.pk == new.pk:
        raise ConflictError("Choose two exports of the same project, kind and format.")
    before, after = require_file(old), require_file(new)
    if not formats.get_format(new.format).compare:
        raise ConflictError(f"Files of the format {new.format} are not compared.")
    if before.sha256 == after.sha256:
        return Comparison(old, new, True, _no_changes(after, new.format))
    try:
        changes = _changes(new.format, before, after, key, samples)
    except PreviewError as problem:
        return Comparison(old, new, False, None, str(problem))
    return Comparison(old, new, False, changes)


def compare_paths(format_: str, old: Readable, new: Readable, *, key: str = "", samples: int = 0) -> Changes:
    """Compares two files of a format that declares how. Raises PreviewError where that cannot be done, InvalidError."""
    try:
        compare_files = formats.load(formats.get_format(format_).compare)
        changes: Changes = compare_files(old, new, key=key, samples=samples)
        return changes
    except PreviewError:
        raise
    except safe_zip.DirectoryTooLargeError:
        raise PreviewError("An archive has more members than are compared here.") from None
    except PackageError as problem:
        raise PreviewError(str(problem)) from None
    except BucketError as error:
        raise PreviewError(str(error.strerror)) from None
    except READ_ERRORS as error:
        raise PreviewError(f"The files could not be read ({type(error).__name__}).") from None


def _changes(format_: str, before: File, after: File, key: str, samples: int) -> Changes:
    """Raises PreviewError also while others are compared: it takes seconds, and other requests need their threads."""
    named = (format_, before.sha256, after.sha256, key, samples)
    if (known := _known.get(named)) is not None:
        return known
    if not _comparing.acquire(timeout=MAX_WAIT_SECONDS):
        raise PreviewError("Others are comparing files just now. Try again in a minute.")
    try:
        changes = compare_paths(format_, places.readable(before), places.readable(after), key=key, samples=samples)
    finally:
        _comparing.release()
    if not samples:
        _known[named] = changes
        for oldest in list(_known)[:-MAX_KNOWN]:
            _known.pop(oldest, None)
    return changes


def _no_changes(file: File, format_: str) -> Changes:
    """What is said of two identical files, of which only the length of a video is looked at."""
    shape = formats.get_format(format_).shape
    if shape == "archive":
        return MemberChanges((0, 0), 0, 0, 0)
    if shape == "video":
        try:
            seconds = read_seconds(places.readable(file))
        except OSError:
            seconds = None
        return FilmChanges((file.size, file.size), (seconds, seconds))
    rows = file.row_count or 0
    return TableChanges((rows, rows), 0, 0, 0, [], [], None)
