"""What the end of a schedule's export means for the schedule: five failures in a row disable it."""

from exports import states
from exports.models import Export, Schedule, ScheduleRun


def count_ended_export(export: Export) -> None:
    """Counts a failure of the schedule's export, or starts anew after a success. Call it in the ending's transaction.

    Of the exports of one run (one for each branch) the first that fails counts. A canceled one counts for nothing.
    """
    if export.schedule_id is None or export.status not in (states.SUCCEEDED, states.FAILED):
        return
    schedule = Schedule.objects.select_for_update(of=("self",)).select_related("project").filter(pk=export.schedule_id)
    if (row := schedule.first()) is None:
        return
    if export.status == states.SUCCEEDED:
        if row.failures_in_a_row:
            row.failures_in_a_row = 0
            row.save(update_fields=["failures_in_a_row"])
    elif not (row.all_branches and _has_failed_before(export)):
        row.count_failure()


def _has_failed_before(export: Export) -> bool:
    """Whether another export of the same run has failed."""
    runs = ScheduleRun.objects.filter(schedule=export.schedule_id, export__lte=export.pk)
    first = runs.order_by("-export").values_list("export", flat=True).first() or export.pk
    others = Export.objects.filter(schedule=export.schedule_id, pk__gte=first, status=states.FAILED)
    return others.exclude(pk=export.pk).exists()
