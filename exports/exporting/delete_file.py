"""Deleting a kept file. The export, its history and its download log stay."""

from django.db import transaction
from django.db.models import F

from exports import clock
from exports.audit import log as audit_log
from exports.errors import ConflictError
from exports.models import Export, File, Team, User
from exports.storage import files


def delete_file(export: Export, user: User, *, address: str | None = None) -> File:
    """Deletes the export's file and records it in the audit log. Raises ConflictError when there is no file.

    The row is marked as deleted before the bytes are removed. If the process dies in between, the bytes are orphaned
    and `housekeeping.sweep` removes them; a row never promises bytes that are gone.
    """
    file = export.file
    if file is None:
        raise ConflictError(f"Export {export.pk} has no file.")
    with transaction.atomic():
        now = clock.now()
        if not File.objects.filter(pk=file.pk, deleted_at=None).update(deleted_at=now):
            raise ConflictError(f"The file of export {export.pk} was deleted already.")
        kept = Team.objects.filter(pk=file.team_id)
        kept.update(kept_bytes=F("kept_bytes") - file.size, kept_files=F("kept_files") - 1)
        size = f"{file.size} bytes, SHA-256 {file.sha256}"
        audit_log.record_event(
            export.team_id, user, "deleted file", f"{file.name[:150]} of export {export.pk}", size, address
        )
    files.delete_file(file.path)
    file.deleted_at = now
    return file
