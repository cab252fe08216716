"""A team's rows for the times of pages: exports by the thousand or million, and beside them as much in any case."""

from datetime import timedelta
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from exports.models import AuditEntry, Export, File, Heartbeat, Project, RemoteProject, Schedule
from exports.queue.capacity import QUEUES
from tests.helpers import factories
from tests.helpers.cast import Cast, make_cast
from tests.helpers.roles import CHANGING, TABLES
from tests.helpers.row_copies import copies

LATELY: Final = 700
# What others than the team in question own, of ten.
OTHERS: Final = 2
SCHEDULES: Final = 200


def beside_exports(cast: Cast, projects: list[Project]) -> Schedule:
    """Schedules, listed projects and an alert of the team, as many in any history; returns one of the schedules."""
    now, project = timezone.now(), projects[0]
    schedule = Schedule.objects.create(
        team=cast.team, project=project, owner=cast.owner.user, type="orders", format="csv", cron="30 2 * * *",
        next_run_at=now + timedelta(days=1), ask_at=now + timedelta(days=1),
    )  # fmt: skip
    copies(Schedule, schedule, 10_001, 10_000 + SCHEDULES)
    listed = RemoteProject.objects.create(credential=project.credential, remote_id="4900", name="Listed")
    copies(RemoteProject, listed, 10_001, 10_000 + SCHEDULES, remote_id="(4900 + g - 10000)::text")
    factories.alert(cast)
    return schedule


def fill(rows: int) -> dict[str, Any]:
    """A history of so many exports; returns what the addresses need.

    The last week is as busy in any: 700 exports, ten minutes apart. What is older lies over five years.
    """
    cast = make_cast()
    ours = [cast.project(TABLES, remote_id=str(number)) for number in range(5000, 5040)]
    ours += [cast.project(CHANGING, remote_id=str(number)) for number in range(10, 20)]
    credential = cast.credential(TABLES, name="theirs")
    type(credential).objects.filter(pk=credential.pk).update(team=cast.other_team)
    theirs = Project.objects.create(team=cast.other_team, credential=credential, remote_id="1")
    now = timezone.now()
    file = File.objects.create(
        pk=10_000_000, team=cast.team, name="n", size=1, sha256="0" * 64, content_type="text/csv", path="p",
        verified_at=now,
    )  # fmt: skip
    one = Export.objects.create(
        pk=10_000_000, team=cast.team, project=ours[0], user=cast.owner.user, trigger="person", type="orders",
        format="csv", status="canceled", step="none", finished_at=now, deadline_at=now,
    )  # fmt: skip
    schedule = beside_exports(cast, ours)
    AuditEntry.objects.all().delete()
    event = AuditEntry.objects.create(
        pk=10_000_000, team=cast.team, user=cast.owner.user, actor="a", verb="asked for", target="x"
    )
    # The last few are open; of the others six in ten have a file, which is still there where it is of the last week.
    older = f"GREATEST({rows} - g - {LATELY}, 0) * interval '5 years' / {rows}"
    at = f"now() - LEAST({rows} - g, {LATELY}) * interval '10 minutes' - {older}"
    good, opened = "g % 10 < 6", f"g > {rows - 5}"
    team = f"CASE WHEN (g / 10) % 10 < {OTHERS} THEN {cast.other_team.pk} ELSE {cast.team.pk} END"
    status = f"CASE WHEN {opened} THEN 'processing' WHEN {good} THEN 'succeeded' WHEN g % 10 < 8 THEN 'failed'"
    project = f"CASE WHEN (g / 10) % 10 < {OTHERS} THEN {theirs.pk} ELSE {ours[0].pk} + g % {len(ours)} END"
    gone = f"CASE WHEN g < {rows - LATELY} THEN {at} END"
    copies(File, file, 1, rows, team_id=team, name="'orders ' || g || '.csv'", size="g", path="'p' || g",
         verified_at=at, deleted_at=gone)  # fmt: skip
    failed = f"CASE WHEN NOT {opened} AND g % 10 IN (6, 7) THEN"
    copies(
        Export, one, 1, rows, team_id=team, project_id=project, created_at=at, status=f"{status} ELSE 'canceled' END",
        step=f"CASE WHEN {opened} THEN 'poll' ELSE 'none' END", remote_id="md5(g::text)",
        finished_at=f"CASE WHEN NOT {opened} THEN {at} + interval '5 min' END",
        next_step_at=f"CASE WHEN {opened} THEN now() END",
        user_id=f"CASE WHEN g % 3 = 0 THEN {cast.member.user.pk} ELSE {cast.owner.user.pk} END",
        error_code=f"{failed} 'rejected' ELSE '' END", error_action=f"{failed} 'you' ELSE '' END",
        error_message=f"{failed} 'The provider said no, for reason ' || g ELSE '' END",
        file_id=f"CASE WHEN NOT {opened} AND {good} THEN g END",
    )  # fmt: skip
    copies(AuditEntry, event, 1, rows // 10)
    Export.objects.filter(pk=one.pk).delete()
    File.objects.filter(pk=file.pk).delete()
    Heartbeat.record("worker:bench", queues=list(QUEUES), slots=4)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")  # else it goes on while pages are timed
    numbers = Export.objects.filter(team=cast.team).order_by("-pk").values_list("pk", flat=True)
    # With a thousand there are fewer pages; the last full one stands for the 2 000th there.
    deep = numbers[min(1999 * 30, numbers.count() - 32) - 1]
    return {
        "member": cast.owner,
        "schedule": schedule.pk,
        "credential": ours[0].credential_id,
        "deep": deep,
        "project": ours[3].pk,
        "user": cast.member.user.pk,
        "yesterday": f"{now - timedelta(days=1):%Y-%m-%d}",
        "long_ago": f"{now - timedelta(days=4 * 365):%Y-%m-%d}",
    }
