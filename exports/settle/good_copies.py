"""What a kept file changes beside its export, in the transaction in which that succeeds: the project, the totals."""

from typing import Final

from django.db import connection

from exports.credentials.refusals import forget_refusal
from exports.models import Event, Export, File, Project
from exports.models.event import PROJECT_FRESH
from exports.storage.kept_totals import change_totals

LAST_GOOD_SQL: Final = "UPDATE exports_project SET last_good_at = %s WHERE id = %s"


def record_good_copy(export: Export, file: File) -> None:
    """Records that the export ended with a verified file, in its project and in the team's totals of kept files.

    Where the team was told that the project is overdue, it is told once that it is fresh again. `export.project` may
    have been read long before: what it does not show yet, `exports.housekeeping.overdue` finds within a minute. Where
    the credential was refused before, that is forgotten.
    """
    project = export.project
    forget_refusal(project.credential)
    # The totals come last, because every file of the team changes that row.
    if project.overdue_notified_at is not None and _end_overdue(export, project):
        change_totals(export.team_id, size=file.size, count=1)
    else:
        last_good = (LAST_GOOD_SQL, [connection.ops.adapt_datetimefield_value(export.finished_at), project.pk])
        change_totals(export.team_id, size=file.size, count=1, besides=last_good)


def _end_overdue(export: Export, project: Project) -> bool:
    rows = Project.objects.filter(pk=project.pk, overdue_notified_at__isnull=False)
    if not rows.update(last_good_at=export.finished_at, overdue_notified_at=None):
        return False
    Event.record(export.team_id, PROJECT_FRESH, fresh_key(project.pk, export.pk), project=project, export=export)
    return True


def fresh_key(project_id: int, export_id: int) -> str:
    """The key of the event: an export makes its project fresh once."""
    return f"{PROJECT_FRESH}:{project_id}:{export_id}"
