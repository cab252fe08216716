"""Pins: a pinned file is kept until somebody unpins it, whatever the rules say."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from exports import clock
from exports.audit import log as audit_log
from exports.errors import ConflictError
from exports.models import Export, File, User


def pin(export: Export, user: User) -> None:
    """Pins the export's file; one that is pinned already stays so. Raises ConflictError where there is no file."""
    changed = {"pinned_at": clock.now(), "pinned_by": user, "expires_at": None, "expiry_notified_at": None}
    _change(export, user, "pinned file", File.objects.filter(pinned_at=None), changed)


def unpin(export: Export, user: User) -> None:
    """Unpins the export's file. Raises ConflictError where there is no file."""
    changed = {"pinned_at": None, "pinned_by": None}
    _change(export, user, "unpinned file", File.objects.filter(pinned_at__isnull=False), changed)


def _change(export: Export, user: User, verb: str, rows: QuerySet[File], changed: dict[str, Any]) -> None:
    file = export.file
    if file is None:
        raise ConflictError(f"Export {export.pk} has no file.")
    with transaction.atomic():
        kept = File.objects.select_for_update().filter(pk=file.pk, deleted_at=None).first()
        if kept is None:
            raise ConflictError(f"The file of export {export.pk} was deleted.")
        if rows.filter(pk=file.pk).update(**changed):
            audit_log.record_event(export.team_id, user, verb, f"{file.name[:150]} of export {export.pk}")
