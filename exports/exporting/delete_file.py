"""Deleting kept files: the one place where it happens. The export, its history and its download log stay.

Rows are marked as deleted before the bytes are removed. If the process dies in between, the bytes are orphaned and
`housekeeping.sweep` removes them; a row never promises bytes that are gone.
"""

import logging
from collections.abc import Iterable, Sequence
from typing import Final

from django.db import transaction

from exports import clock
from exports.audit import log as audit_log
from exports.errors import ConflictError
from exports.models import Export, File, Project, User
from exports.settle.outcome import record_note
from exports.storage import places
from exports.storage.kept_totals import change_totals

log = logging.getLogger(__name__)

BATCH: Final = 200
# So many files of a project are deleted in one request; a person who has more presses the button again.
MAX_FILES_AT_ONCE: Final = 5000


def delete_file(export: Export, user: User, *, address: str | None = None) -> File:
    """Deletes the export's file and records it in the audit log. Raises ConflictError when there is no file."""
    file = export.file
    if file is None:
        raise ConflictError(f"Export {export.pk} has no file.")
    with transaction.atomic():
        deleted = mark_deleted([file.pk], "Deleted by a member of the team.")
        if not deleted:
            raise ConflictError(f"The file of export {export.pk} was deleted already.")
        size = f"{file.size} bytes, SHA-256 {file.sha256}"
        audit_log.record_event(
            export.team_id, user, "deleted file", f"{file.name[:150]} of export {export.pk}", size, address
        )
    remove_bytes(deleted)
    file.deleted_at = deleted[0].deleted_at
    return file


def delete_files_of_project(project: Project, user: User) -> tuple[int, bool]:
    """Erases the kept files of a project, pinned ones and the last good one too. History keeps that they were there.

    Returns how many files were deleted, and whether more are left (it stops after MAX_FILES_AT_ONCE).
    """
    kept = File.objects.filter(export__project=project, deleted_at=None)
    count = size = 0
    while count < MAX_FILES_AT_ONCE and (ids := list(kept.order_by("pk").values_list("pk", flat=True)[:BATCH])):
        with transaction.atomic():
            deleted = mark_deleted(ids, "Erased by an owner, with all files of the project.")
        remove_bytes(deleted)
        count, size = count + len(deleted), size + sum(file.size for file in deleted)
    if count:
        target = f"{count} files of project {project}"
        audit_log.record_event(project.team_id, user, "erased files", target, f"{size} bytes")
    return count, kept.exists()


def mark_deleted(file_ids: Iterable[int], because: str, *, by_rule: bool = False) -> Sequence[File]:
    """Marks files as deleted. Returns those that were not deleted before. `because`: a sentence.

    Call it in a transaction, and `remove_bytes` after its end. `by_rule`: leaves out what is pinned by now, and says so
    in the history of each export; what people delete is in the team's log, with their names.
    """
    rows = File.objects.select_for_update(of=("self",)).select_related("export__project__credential")
    rows = rows.filter(pk__in=file_ids, deleted_at=None).order_by("pk")
    locked = list(rows.filter(pinned_at=None) if by_rule else rows)
    now = clock.now()
    File.objects.filter(pk__in=[file.pk for file in locked]).update(
        deleted_at=now, deleted_because=because[:300], expires_at=None
    )
    for file in locked:
        file.deleted_at = now
        if by_rule:
            note = f"File deleted ({file.name}, {file.size} bytes, SHA-256 {file.sha256}). {because}"
            record_note(file.export, note, source="worker")
    for team_id in {file.team_id for file in locked}:
        sizes = [file.size for file in locked if file.team_id == team_id]
        change_totals(team_id, size=-sum(sizes), count=-len(sizes))
    return locked


def remove_bytes(deleted: Iterable[File]) -> None:
    """Removes the bytes of files that are marked as deleted. What the disk refuses, the sweep removes later."""
    for file in deleted:
        try:
            places.delete(file)
        except OSError as error:
            log.warning("The bytes of file %s could not be removed (%s); the sweep does it.", file.pk, error.strerror)
