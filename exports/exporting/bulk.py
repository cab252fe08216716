"""One action on many exports: it is done where possible, and each export left out gets a reason."""

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, cast

from django.db import transaction

from exports.audit import log as audit_log
from exports.errors import ConflictError, DuplicateError, InvalidError
from exports.exporting import actions, delete_file
from exports.exporting.actions import RetryRefusal
from exports.exporting.create import Requester
from exports.models import Download, Export, User
from exports.settle.outcome import cancel_by_request
from exports.storage import files

CHUNK_BYTES: Final = 256 * 1024
RETRY_REFUSAL_REASONS: Final = {
    RetryRefusal.OPEN: "still open",
    RetryRefusal.UNKNOWN_KIND: "the portal has no such kind any more",
    RetryRefusal.NEEDS_CONFIRMATION: "it changes the project, so it is asked for one by one",
    RetryRefusal.ARCHIVED: "its project is archived",
    RetryRefusal.ALREADY_RETRIED: "asked for again already, as export %(retry_pk)s",
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
            raise _SkipError("ended already") from None
        except KeyError:
            # `actions.cancel` names the provider in its note; the portal no longer has this provider's declaration.
            _cancel_without_provider(export, actor, source)

    return _apply(exports, cancel_one)


def retry(exports: Iterable[Export], requester: Requester) -> BulkResult:
    """Retries those that may be retried in bulk (`actions.may_retry`)."""
    rows = list(exports)
    retries = dict(Export.objects.filter(retry_of__in=[row.pk for row in rows]).values_list("retry_of_id", "pk"))

    def retry_one(export: Export) -> None:
        retry_pk = retries.get(export.pk)
        refusal = actions.may_retry(export, in_bulk=True, retry_pk=retry_pk).refusal
        if refusal is not None:
            raise _SkipError(RETRY_REFUSAL_REASONS[refusal] % {"retry_pk": retry_pk})
        try:
            actions.retry(export, requester)
        except DuplicateError as error:
            raise _SkipError(f"export {error.export_id} asks for the same and is still open") from None
        except ConflictError:
            raise _SkipError("still open") from None
        except InvalidError as error:
            sentences = " ".join(text for texts in error.errors.values() for text in texts)
            raise _SkipError(f"cannot be asked for as it was: {sentences}") from None

    return _apply(rows, retry_one)


def delete_files(exports: Iterable[Export], user: User) -> BulkResult:
    """Deletes the kept files; the exports and their history stay."""

    def delete_one(export: Export) -> None:
        _need_file(export)
        try:
            delete_file.delete_file(export, user)
        except ConflictError:
            raise _SkipError("its file was deleted already") from None

    return _apply(exports, delete_one)


def stream_zip(exports: Iterable[Export], user: User, address: str | None = None) -> tuple[Iterator[bytes], BulkResult]:
    """Returns the kept files as one zip, in chunks, and which exports it contains.

    A download is recorded for each file; `address` is the client's.
    """

    def check_one(export: Export) -> None:
        _need_file(export)
        if export.file is not None and not files.path_of(export.file).is_file():
            raise _SkipError("the portal has lost its file")

    summary = _apply(exports, check_one)
    Download.objects.bulk_create(
        Download(export=export, user=user, actor=user.email, via="zip", address=address) for export in summary.done
    )
    return _zip(summary), summary


def check_deletable(exports: Iterable[Export]) -> BulkResult:
    """Returns what `delete_files` would do, without doing it."""
    return _apply(exports, _need_file)


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


def _cancel_without_provider(export: Export, actor: str, source: str) -> None:
    slug = export.project.credential.provider
    note = f"The portal no longer has the provider {slug}; a job there may still finish."
    with transaction.atomic():
        if not cancel_by_request(export, source=source, actor=actor, note=note):
            raise _SkipError("it moved on just now, so try again")
        if source in audit_log.AUDITED_SOURCES:
            audit_log.record_event(export.team_id, actor, "canceled", audit_log.describe_export(export))


def _need_file(export: Export) -> None:
    if export.file is None:
        raise _SkipError("still open, no file yet" if export.is_open else "it has no file")
    if export.file.deleted_at is not None:
        raise _SkipError("its file was deleted")


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
                source = files.path_of(file).open("rb")
            except OSError:
                skipped.append((export, "the portal has lost its file"))
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
    path = PurePosixPath(safe)
    while safe.casefold() in used_names:
        path = PurePosixPath(f"{path.stem} ({pk}){path.suffix}")
        safe = str(path)
    used_names.add(safe.casefold())
    return safe
