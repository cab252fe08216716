"""What the realistic team has beside its exports: plans, archives, people, messages out, files' ends, heartbeats."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from exports import clock
from exports.credentials import service
from exports.errors import InvalidError
from exports.exporting import pins
from exports.exporting.saved_filters import save_filter
from exports.exporting.schedules import set_next_run
from exports.housekeeping.overdue import record_overdue
from exports.models import (
    Alert,
    AuditEntry,
    AutoProtection,
    Credential,
    Event,
    Export,
    File,
    Heartbeat,
    Project,
    Schedule,
    Token,
)
from exports.models.alert import NO_DIGEST
from exports.people import invitations
from exports.people.teams import create_own_token
from exports.preview.oddness import examine_new_files
from exports.queue.capacity import QUEUES
from tests.helpers import webhooks
from tests.helpers.cast import Cast
from tests.helpers.factories import alert
from tests.helpers.roles import TABLES

WORKERS: Final = (("worker:export-1@portal-a", 12, 3), ("worker:export-2@portal-b", 12, 2))
BEAT: Final = "beat:portal-a:17"


def add_surroundings(
    cast: Cast,
    projects: Sequence[Project],
    schedules: dict[int, Schedule],
    now: datetime,
    set_clock: Callable[[datetime], None],
) -> None:
    """Adds all of it, as of now; what people did, in the days before."""
    set_clock(now - timedelta(days=9))
    ways_out(cast)
    set_clock(now - timedelta(days=4, hours=3))
    archive(cast, projects)
    set_clock(now - timedelta(days=1, hours=5))
    people(cast, now)
    set_clock(now - timedelta(minutes=50))
    ends_of_files(cast)
    set_clock(now)
    plan(list(schedules.values()), now)
    refuse_one()
    while examine_new_files():
        pass
    record_overdue()
    number_by_time()
    # Nobody sends anything, so nothing waits to be sent either.
    Event.objects.update(fanned_out_at=now)
    beat()


def plan(schedules: Sequence[Schedule], now: datetime) -> None:
    """Plans the next times; two are late, one was stopped, one is paused."""
    for number, schedule in enumerate(schedules):
        schedule.refresh_from_db()
        if not schedule.enabled:
            continue  # its project was archived
        late = number in (3, 7)
        set_next_run(schedule, now - timedelta(days=8) if late else now)
        if late:
            schedule.next_run_at = schedule.ask_at = now - timedelta(minutes=11 * number)
        if number == 5:
            schedule.failures_in_a_row = 5
            schedule.disable("It failed 5 times in a row.")
        elif number == 6:
            schedule.enabled, schedule.next_run_at, schedule.ask_at = False, None, None
        schedule.save()


def archive(cast: Cast, projects: Sequence[Project]) -> None:
    """Two projects are archived, one is paused, and one account has all that it lists protected."""
    for project in projects[-2:]:
        service.archive_project(project, cast.owner.user)
    Project.objects.filter(pk=projects[5].pk).update(paused_at=clock.now())
    AutoProtection.objects.create(
        credential=projects[0].credential, owner=cast.owner.user, type="archive", format="zip", cron="30 2 * * *"
    )


def refuse_one() -> None:
    """The credential of the failed exports is refused; the others were tested. A file changed oddly."""
    tested = Credential.objects.exclude(name="Crowdfunding of partners")
    tested.update(checked_at=clock.now() - timedelta(days=1), used_at=clock.now() - timedelta(minutes=3))
    refused = Export.objects.filter(error_code="credential").select_related("project__credential").latest("pk")
    Credential.objects.filter(pk=refused.project.credential_id).update(last_error=refused.error_message)
    odd = Export.objects.filter(status="succeeded", format="csv").order_by("-pk")[1]
    Export.objects.filter(pk=odd.pk).update(odd_change="212 rows, 61 % fewer than usual")


def ends_of_files(cast: Cast) -> None:
    """Two files are pinned, old ones were deleted by the rule, some go soon."""
    kept = Export.objects.filter(file__isnull=False).order_by("pk").select_related("file", "project__credential")
    for export in kept[60:62]:
        pins.pin(export, cast.member.user)
    old = kept[:18].values_list("file_id", flat=True)
    gone = File.objects.filter(pk__in=old)
    cast.team.refresh_from_db()
    cast.team.kept_files -= gone.count()
    cast.team.kept_bytes -= sum(gone.values_list("size", flat=True))
    cast.team.save(update_fields=["kept_files", "kept_bytes"])
    because = "Older than the team's 30 days."
    gone.update(deleted_at=clock.now() - timedelta(days=2), deleted_because=because)
    soon = kept[18:24].values_list("file_id", flat=True)
    File.objects.filter(pk__in=soon).update(expires_at=clock.now() + timedelta(days=2))


def people(cast: Cast, now: datetime) -> None:
    """Invitations, tokens (one expires soon, one is revoked) and saved filters."""
    for role, email in (
        ("member", "new.colleague@example.org"),
        ("viewer", "auditor@partner-with-a-long-name.example"),
    ):
        invitations.create_invitation(cast.team, cast.owner.user, role, email)
    invitations.create_invitation(cast.team, cast.owner.user, "viewer")
    for name, scope, days in (("Nightly sync", "write", 365), ("Dashboard", "read", 6), ("Old script", "read", None)):
        create_own_token(cast.owner, scope, name, days)
    Token.objects.filter(name="Old script").update(revoked_at=now)
    Token.objects.filter(name="Nightly sync").update(used_at=now - timedelta(minutes=41))
    for name, query in (("Failed this month", "status=failed"), ("Crowdfunding orders", f"provider={TABLES}")):
        save_filter(cast.owner, name, query)


def ways_out(cast: Cast) -> None:
    """Alerts and webhooks, two of which were switched off."""
    for kind, address in (("slack", "https://chat.example/hooks/T1/B2/secret3"), ("ntfy", "https://ntfy.example/t"),
                          ("mail", cast.owner.user.email)):  # fmt: skip
        with suppress(InvalidError):
            alert(cast, kind, address, digest="daily" if kind == "mail" else NO_DIGEST)
    broken = "The address answered 404."
    Alert.objects.filter(kind="ntfy").update(enabled=False, disabled_reason=broken)
    export = Export.objects.filter(status="succeeded").latest("pk")
    webhooks.with_deliveries(cast, export)
    failing, _secret = webhooks.make_webhook(cast, "https://hooks.example/exports/of/the/lighthouse/studio")
    type(failing).objects.filter(pk=failing.pk).update(enabled=False, disabled_reason="The address answered 410.")


def number_by_time() -> None:
    """Numbers the activity in the order of its times, as it would have come."""
    entries = list(AuditEntry.objects.order_by("at", "pk"))
    numbers = sorted(entry.pk for entry in entries)
    AuditEntry.objects.all()._raw_delete("default")
    for entry, number in zip(entries, numbers, strict=True):
        entry.pk = number
    AuditEntry.objects.bulk_create(entries)


def beat() -> None:
    """Two workers and a beat are there. Repeat it every few seconds while pages are looked at."""
    for name, slots, busy in WORKERS:
        Heartbeat.record(name, queues=list(QUEUES), slots=slots, busy=busy)
    Heartbeat.record(BEAT)
