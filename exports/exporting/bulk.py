"""One verb for many exports: what can be done is done, and of the rest it is said why not."""

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, cast

from django.db import transaction

from exports import states
from exports.audit import log as audit_log
from exports.errors import ConflictError, DuplicateError, InvalidError
from exports.exporting import actions, delete_file
from exports.exporting.create import Requester
from exports.models import Download, Export, User
from exports.storage import files

CHUNK_BYTES: Final = 256 * 1024


@dataclass(frozen=True)
class BulkResult:
    """What became of each: done, or skipped with the reason."""

    done: Sequence[Export]
    skipped: Sequence[tuple[Export, str]]

    def skipped_by_reason(self) -> dict[str, list[Export]]:
        """The skipped by reason, in the order met."""
        found: dict[str, list[Export]] = {}
        for export, why in self.skipped:
            found.setdefault(why, []).append(export)
        return found


class _Skip(Exception):
    """Why one is left out."""


def cancel(exports: Iterable[Export], *, actor: str, source: str = "person") -> BulkResult:
    """Stops following those that are open."""

    def one(export: Export) -> None:
        try:
            actions.cancel(export, actor=actor, source=source)
        except ConflictError:
            raise _Skip("ended already") from None
        except KeyError:
            # The way to cancel names the provider, which the portal no longer has; nothing of it is needed to stop.
            _stop(export, actor, source)

    return _each(exports, one)


def retry(exports: Iterable[Export], asker: Requester) -> BulkResult:
    """Asks for the same again. What changes something at the provider is never asked for in bulk."""
    rows = list(exports)
    again = dict(Export.objects.filter(retry_of__in=[row.pk for row in rows]).values_list("retry_of_id", "pk"))

    def one(export: Export) -> None:
        _refuse_retry(export, again.get(export.pk))
        try:
            actions.retry(export, asker)
        except DuplicateError as problem:
            raise _Skip(f"export {problem.export_id} asks for the same and is still open") from None
        except ConflictError:
            raise _Skip("still open") from None
        except InvalidError as problem:
            texts = " ".join(text for texts in problem.errors.values() for text in texts)
            raise _Skip(f"cannot be asked for as it was: {texts}") from None

    return _each(rows, one)


def delete_files(exports: Iterable[Export], user: User) -> BulkResult:
    """Takes the bytes away; the history stays."""

    def one(export: Export) -> None:
        _need_file(export)
        try:
            delete_file.delete_file(export, user)
        except ConflictError:
            raise _Skip("its file was deleted already") from None

    return _each(exports, one)


def stream_zip(exports: Iterable[Export], user: User, address: str | None = None) -> tuple[Iterator[bytes], BulkResult]:
    """The kept files as one zip, a piece at a time, and what is in it. Each file counts as downloaded."""

    def one(export: Export) -> None:
        _need_file(export)
        if export.file is not None and not files.path_of(export.file).is_file():
            raise _Skip("the portal has lost its file")

    summary = _each(exports, one)
    Download.objects.bulk_create(
        Download(export=export, user=user, actor=user.email, via="zip", address=address) for export in summary.done
    )
    return _zip(summary), summary


def check_deletable(exports: Iterable[Export]) -> BulkResult:
    """What deleting would do, without doing it."""
    return _each(exports, _need_file)


def _each(exports: Iterable[Export], do: Callable[[Export], None]) -> BulkResult:
    done: list[Export] = []
    skipped: list[tuple[Export, str]] = []
    for export in exports:
        try:
            do(export)
        except _Skip as why:
            skipped.append((export, str(why)))
        else:
            done.append(export)
    return BulkResult(done, skipped)


def _stop(export: Export, actor: str, source: str) -> None:
    slug = export.project.credential.provider
    note = f"The portal no longer has the provider {slug}; a job there may still finish."
    with transaction.atomic():
        if not export.move(states.CANCELED, source=source, actor=actor, note=note):
            raise _Skip("it moved on just now, so try again")
        if source in audit_log.AUDITED_SOURCES:
            audit_log.record_event(export.team_id, actor, "canceled", audit_log.describe_export(export))


def _refuse_retry(export: Export, later: int | None) -> None:
    if export.is_open:
        raise _Skip("still open")
    try:
        kind = export.kind
    except KeyError:
        raise _Skip("the portal has no such kind any more") from None
    if kind.effect == "changes":
        raise _Skip("it changes the project, so it is asked for one by one")
    if later is not None:
        raise _Skip(f"asked for again already, as export {later}")


def _need_file(export: Export) -> None:
    if export.file is None:
        raise _Skip("still open, no file yet" if export.is_open else "it has no file")
    if export.file.deleted_at is not None:
        raise _Skip("its file was deleted")


# ---------------------------------------------------------------- one zip


class _Sink(io.RawIOBase):
    """Takes what the zip writer writes, and gives it away; it cannot go back, so the writer never tries to."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(cast(bytes, data))
        self.pieces.append(piece)
        return len(piece)

    def drain(self) -> bytes:
        whole = b"".join(self.pieces)
        self.pieces.clear()
        return whole


def _zip(summary: BulkResult) -> Iterator[bytes]:
    """Stored, not deflated: what is exported is packed already. What was left out is said in the zip itself."""
    sink = _Sink()
    lost = list(summary.skipped)
    sums: list[str] = []
    taken = {"sha256sums", "skipped.txt"}
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, strict_timestamps=False) as zipped:
        for export in summary.done:
            file = export.file
            if file is None:
                continue
            try:
                source = files.path_of(file).open("rb")
            except OSError:
                lost.append((export, "the portal has lost its file"))
                continue
            name = _unused(file.name, export.pk, taken)
            about = zipfile.ZipInfo(name, file.verified_at.timetuple()[:6])
            about.external_attr = 0o644 << 16
            with source, zipped.open(about, "w", force_zip64=file.size >= zipfile.ZIP64_LIMIT) as target:
                while chunk := source.read(CHUNK_BYTES):
                    target.write(chunk)
                    yield sink.drain()
            sums.append(f"{file.sha256}  {name}\n")
        zipped.writestr("SHA256SUMS", "".join(sums))
        if lost:
            lines = [f"Export {export.pk} ({export.project}): {why}.\n" for export, why in lost]
            zipped.writestr("skipped.txt", "".join(lines))
    yield sink.drain()


def _unused(name: str, pk: int, taken: set[str]) -> str:
    """A name that is safe in any folder and not in the zip yet, whatever the case of its letters."""
    safe = "".join("_" if sign in '/\\:*?"<>|' or ord(sign) < 32 else sign for sign in name).strip(" .") or "file"
    path = PurePosixPath(safe)
    while safe.casefold() in taken:
        path = PurePosixPath(f"{path.stem} ({pk}){path.suffix}")
        safe = str(path)
    taken.add(safe.casefold())
    return safe
