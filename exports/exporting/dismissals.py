"""Dismissing a failure: the team knows of it, so home no longer names it. The export stays in the list, with a mark."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from exports import clock, states
from exports.audit import log as audit_log
from exports.errors import ConflictError
from exports.models import Export, User


def dismiss(export: Export, user: User) -> None:
    """Dismisses a failure; one that is dismissed already stays so. Raises ConflictError for another status."""
    if export.status != states.FAILED:
        raise ConflictError(f"Export {export.pk} did not fail, so there is nothing to dismiss.")
    changed = {"dismissed_at": clock.now(), "dismissed_by": user}
    _change(export, user, "dismissed", Export.objects.filter(dismissed_at=None), changed)


def undo(export: Export, user: User) -> None:
    """Takes back a dismissal, so that home names the failure again; without one nothing changes."""
    changed = {"dismissed_at": None, "dismissed_by": None}
    _change(export, user, "took back dismissal", Export.objects.filter(dismissed_at__isnull=False), changed)


def _change(export: Export, user: User, verb: str, rows: QuerySet[Export], changed: dict[str, Any]) -> None:
    with transaction.atomic():
        if rows.filter(pk=export.pk).update(**changed):
            audit_log.record_event(export.team_id, user, verb, audit_log.describe_export(export))
    for name, value in changed.items():
        setattr(export, name, value)
