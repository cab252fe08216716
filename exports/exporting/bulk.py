"""One action on many exports: it is done where possible, and each export left out gets a reason."""

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, cast

from exports import formats
from exports.errors import ConflictError, DuplicateError, InvalidError, PausedError
from exports.exporting import actions, delete_file, dismissals
from exports.exporting.actions import RetryRefusal
from exports.exporting.create import Requester
from exports.models import Export, User
from exports.storage import downloads, places

CHUNK_BYTES: Final = 256 * 1024
RETRY_REFUSAL_REASONS: Final = {
    RetryRefusal.OPEN: "still running",
    RetryRefusal.UNKNOWN_KIND: "this kind of export is not installed",
    RetryRefusal.NEEDS_CONFIRMATION: "changes the project, so run it on its own",
    RetryRefusal.ARCHIVED: "project is archived",
    RetryRefusal.ALREADY_RETRIED: "already retried in #%(retry_pk)s",
}


@dataclass(frozen=True)
class BulkResult:
    """The exports the action was done with, and those left out, each with the reason (text for a person)."""

    done: Sequence[Export]
    skipped: Sequence[tuple[Export, str]]

    def skipped_by_reason(self) -> dict[str, list[Export]]:
        """Groups the skipped exports by reason, in the order of their first occurrence."""
        groups: dict[str, list[Export]] = {}
        for export, reason in self.skipped:
            groups.setdefault(reason, []).append(export)
        return groups


class _SkipError(Exception):
    """Leaves an export out; the text is the reason."""


def cancel(exports: Iterable[Export], *, actor: str, source: str = "person") -> BulkResult:
    """Cancels those that are open."""

    def cancel_one(export: Export) -> None:
        try:
            actions.cancel(export, actor=actor, source=source)
        except ConflictError:
            raise _SkipError("already ended") from None

    return _apply(exports, cancel_one)


def retry(exports: Iterable[Export], requester: Requester) -> BulkResult:
    """Retries those that may be retried in bulk (`actions.may_retry`)."""
    rows = list(exports)
    check_one = _retry_check(rows)

    def retry_one(export: Export) -> None:
        check_one(export)
        try:
            actions.retry(export, requester)
        except DuplicateError as error:
            raise _SkipError(f"#{error.export_id} is already running with these options") from None
        except PausedError as error:
            raise _SkipError(str(error).rstrip(".")) from None
        except ConflictError:
            raise _SkipError("still running") from None
        except InvalidError as error:
            sentences = " ".join(text for texts in error.errors.values() for text in texts)
            raise _SkipError(f"options no longer valid: {sentences}") from None

    return _apply(rows, retry_one)


def check_retriable(exports: Iterable[Export]) -> BulkResult:
    """Returns which `retry` would take, without doing it. Some of those may still be left out then."""
    rows = list(exports)
    return _apply(rows, _retry_check(rows))


def _retry_check(rows: Sequence[Export]) -> Callable[[Export], None]:
    """Returns what leaves out exports that may not be retried in bulk. One query for all of them."""
    retries = dict(Export.objects.filter(retry_of__in=[row.pk for row in rows]).values_list("retry_of_id", "pk"))

    def check_one(export: Export) -> None:
        retry_pk = retries.get(export.pk)
        refusal = actions.may_retry(export, in_bulk=True, retry_pk=retry_pk).refusal
        if refusal is not None:
            raise _SkipError(RETRY_REFUSAL_REASONS[refusal] % {"retry_pk": retry_pk})

    return check_one


def check_cancelable(exports: Iterable[Export]) -> BulkResult:
    """Returns which `cancel` would take, without doing it."""

    def check_one(export: Export) -> None:
        if not export.is_open:
            raise _SkipError("already ended")

    return _apply(exports, check_one)


def dismiss(exports: Iterable[Export], user: User) -> BulkResult:
    """Dismisses those that failed."""

    def dismiss_one(export: Export) -> None:
        try:
            dismissals.dismiss(export, user)
        except ConflictError:
            raise _SkipError("didn't fail") from None

    return _apply(exports, dismiss_one)


def delete_files(exports: Iterable[Export], user: User) -> BulkResult:
    """Deletes the kept files, except pinned ones; the exports and their history stay."""

    def delete_one(export: Export) -> None:
        _need_deletable_file(export)
        try:
            delete_file.delete_file(export, user)
        except ConflictError:
            raise _SkipError("file already deleted") from None

    return _apply(exports, delete_one)


def stream_zip(exports: Iterable[Export], user: User, address: str | None = None) -> tuple[Iterator[bytes], BulkResult]:
    """Returns the kept files as one zip, in chunks, and which exports it contains.

    A download is recorded for each file; `address` is the client's.
    """

    def check_one(export: Export) -> None:
        _need_file(export)
        try:
            if export.file is not None and not places.exists(export.file):
                raise _SkipError("file missing from storage")
        except OSError:
            raise _SkipError("storage not reachable, try later") from None

    summary = _apply(exports, check_one)
    downloads.record_zip(summary.done, user, address)
    return _zip(summary), summary


def check_deletable(exports: Iterable[Export]) -> BulkResult:
    """Returns what `delete_files` would do, without doing it."""
    return _apply(exports, _need_deletable_file)


def _apply(exports: Iterable[Export], action: Callable[[Export], None]) -> BulkResult:
    done: list[Export] = []
    skipped: list[tuple[Export, str]] = []
    for export in exports:
        try:
            action(export)
        except _SkipError as reason:
            skipped.append((export, str(reason)))
        else:
            done.append(export)
    return BulkResult(done, skipped)


def _need_file(export: Export) -> None:
    if export.file is None:
        raise _SkipError("still running" if export.is_open else "has no file")
    if export.file.deleted_at is not None:
        raise _SkipError("file already deleted")


def _need_deletable_file(export: Export) -> None:
    _need_file(export)
    if export.file is not None and export.file.pinned_at is not None:
        raise _SkipError("file is pinned")


# ---------------------------------------------------------------- one zip


class _ChunkBuffer(io.RawIOBase):
    """Buffers what ZipFile writes until `drain` returns it. It is not seekable, so ZipFile never seeks."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(cast(bytes, data))
        self.chunks.append(chunk)
        return len(chunk)

    def drain(self) -> bytes:
        data = b"".join(self.chunks)
        self.chunks.clear()
        return data


def _zip(summary: BulkResult) -> Iterator[bytes]:
    """Yields the zip in chunks. Members are stored, not deflated, because exported files are compressed already.

    `SHA256SUMS` lists the members' checksums, `skipped.txt` what was left out and why.
    """
    buffer = _ChunkBuffer()
    skipped = list(summary.skipped)
    checksums: list[str] = []
    used_names = {"sha256sums", "skipped.txt"}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED, strict_timestamps=False) as zipped:
        for export in summary.done:
            file = export.file
            if file is None:
                continue
            try:
                source = places.readable(file).open("rb")
            except OSError:
                skipped.append((export, "file missing from storage"))
                continue
            name = _unused_name(file.name, export.pk, used_names)
            member = zipfile.ZipInfo(name, file.verified_at.timetuple()[:6])
            member.external_attr = 0o644 << 16
            with source, zipped.open(member, "w", force_zip64=file.size >= zipfile.ZIP64_LIMIT) as target:
                while chunk := source.read(CHUNK_BYTES):
                    target.write(chunk)
                    yield buffer.drain()
            checksums.append(f"{file.sha256}  {name}\n")
        zipped.writestr("SHA256SUMS", "".join(checksums))
        if skipped:
            lines = [f"Export {export.pk} ({export.project}): {reason}.\n" for export, reason in skipped]
            zipped.writestr("skipped.txt", "".join(lines))
    yield buffer.drain()


def _unused_name(name: str, pk: int, used_names: set[str]) -> str:
    """Returns a file name that is valid on common file systems and unique in the zip, ignoring case.

    Adds its case-folded form to `used_names`.
    """
    safe = "".join("_" if char in '/\\:*?"<>|' or ord(char) < 32 else char for char in name).strip(" .") or "file"
    stem, suffix = formats.split_name(safe)
    if not suffix:
        stem, suffix = PurePosixPath(safe).stem, PurePosixPath(safe).suffix
    while safe.casefold() in used_names:
        stem = f"{stem} ({pk})"
        safe = stem + suffix
    used_names.add(safe.casefold())
    return safe
