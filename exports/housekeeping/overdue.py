"""Finds projects whose last good export has become too old, and has their teams told once."""

from typing import Final

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from exports import clock, states
from exports.exporting import freshness
from exports.models import Event, Export, Project
from exports.models.event import PROJECT_FRESH, PROJECT_OVERDUE
from exports.models.project import GoodUntil
from exports.settle.good_copies import fresh_key

BATCH: Final = 500
# The rest is found in the next minute.
MAX_BATCHES: Final = 20


def record_overdue() -> int:
    """Records `project.overdue` for projects that have become overdue; returns how many.

    What was overdue and is not any more, because its target changed, is forgotten; where a good export came in while
    this ran, `project.fresh` is recorded.
    """
    _forget_fresh()
    count = 0
    for _ in range(MAX_BATCHES):
        found = _record_batch()
        count += found
        if found < BATCH:
            break
    return count


def _record_batch() -> int:
    with transaction.atomic():
        late = freshness.overdue(Project.objects.filter(overdue_notified_at=None))
        projects = list(_locked(late)[:BATCH])
        now = clock.now()
        Project.objects.filter(pk__in=[project.pk for project in projects]).update(overdue_notified_at=now)
        events = [
            Event(
                team_id=project.team_id,
                type=PROJECT_OVERDUE,
                key=f"{PROJECT_OVERDUE}:{project.pk}:{now.timestamp():.3f}",
                project=project,
                data={"fresh_within_hours": project.fresh_within_hours},
            )
            for project in projects
        ]
        Event.objects.bulk_create(events, ignore_conflicts=True)
    return len(projects)


def _forget_fresh() -> None:
    """Clears the mark of projects that are not overdue any more."""
    with transaction.atomic():
        told = Project.objects.filter(overdue_notified_at__isnull=False).annotate(good_until_at=GoodUntil())
        fresh = told.filter(Q(fresh_within_hours=None) | Q(good_until_at__gte=clock.now()))
        rows = _locked(fresh.order_by("pk"))[:BATCH]
        projects = list(rows)
        if not projects:
            return
        Project.objects.filter(pk__in=[project.pk for project in projects]).update(overdue_notified_at=None)
        for project in projects:
            told_at, good_at = project.overdue_notified_at, project.last_good_at
            if told_at is not None and good_at is not None and good_at > told_at:
                export = Export.objects.filter(project=project, status=states.SUCCEEDED).latest("pk")
                Event.record(
                    project.team_id, PROJECT_FRESH, fresh_key(project.pk, export.pk), project=project, export=export
                )


def _locked(rows: QuerySet[Project]) -> QuerySet[Project]:
    """The rows locked, without those that another process has."""
    return rows.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
