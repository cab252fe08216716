"""The home page: what needs attention, what runs, what has ended, the age of copies, storage, activity."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from exports import clock
from exports.models import AuditEntry, Credential, Export, Heartbeat, Project
from exports.queue.capacity import CONTROL, DELIVER, FETCH, POLL, QUEUES, SUBMIT
from exports.web.home_page import CHART_DAYS
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING, TABLES

HOME = "/t/the-team/"


def page(client: Client) -> str:
    return client.get(HOME).content.decode()


def part(client: Client, name: str) -> str:
    """One section of the page."""
    return page(client).partition(f'id="{name}"')[2].partition("</section>")[0]


def test_the_home_lists_exports_that_need_attention(as_member: Client, cast: Cast) -> None:
    bad = factories.failed_export(cast, message="The pools are open.")
    factories.processing_export(cast, format_="xlsx")
    shown = page(as_member)
    assert shown.index("Needs attention") < shown.index("The pools are open.") < shown.index("Running now")
    assert "Exports wait until one is back" in shown
    Heartbeat.record("worker:test", queues=list(QUEUES), slots=4)
    shown = page(as_member)
    assert "No worker is running" not in shown
    as_member.post(f"{HOME}exports/{bad.pk}/retry")
    assert 'id="h-attention"' not in page(as_member), "somebody asked again"


def test_a_queue_that_no_worker_reads_is_named(as_member: Client, cast: Cast) -> None:
    factories.processing_export(cast)
    Heartbeat.record("worker:polls@host", queues=[POLL, SUBMIT, CONTROL], slots=4)
    assert f"No worker reads {FETCH}, {DELIVER}" in page(as_member)


def test_workers_that_lost_their_broker_are_named(as_member: Client, cast: Cast) -> None:
    factories.processing_export(cast)
    Heartbeat.record("worker:one@host", queues=[], slots=0)
    assert "The workers can't reach their broker" in page(as_member)


def test_a_worker_that_is_gone_is_named_beside_one_that_is_there(as_member: Client, cast: Cast) -> None:
    factories.processing_export(cast)
    Heartbeat.record("worker:here@host", queues=list(QUEUES), slots=4)
    Heartbeat.objects.create(name="worker:dead@host", at=clock.seconds_from_now(-300), queues=list(QUEUES), slots=4)
    assert "dead@host is gone" in page(as_member)
    assert "No worker" not in page(as_member)


def test_exports_that_may_still_run_at_the_provider_come_first(as_member: Client, cast: Cast) -> None:
    lost = factories.failed_export(cast, "unconfirmed", "The answer was lost.")
    factories.failed_export(cast, "provider_failed", "It broke there.")
    shown = part(as_member, "h-attention")
    assert shown.index("We don&#x27;t know if") < shown.index("It broke there.")
    assert shown.index(f"/exports/{lost.pk}/") < shown.index("Follow or retry")
    assert "#adopt" not in shown, "the page is read from its beginning, which explains the choice"


def test_old_failures_are_not_shown(as_member: Client, cast: Cast) -> None:
    bad = factories.failed_export(cast, message="Long forgotten.")
    Export.objects.filter(pk=bad.pk).update(finished_at=timezone.now() - timedelta(days=15))
    assert 'id="h-attention"' not in page(as_member)


def test_a_failing_credential_needs_attention(as_member: Client, cast: Cast) -> None:
    credential = cast.credential(TABLES)
    Credential.objects.filter(pk=credential.pk).update(last_error=f"{TABLES.label} answered 401.")
    assert f"{TABLES.label} answered 401." in part(as_member, "h-attention")


def test_a_refused_credential_stands_for_the_failures_that_it_explains(as_member: Client, cast: Cast) -> None:
    export = factories.failed_export(cast, "credential", f"{TABLES.label} answered 401.")
    Credential.objects.filter(pk=export.project.credential_id).update(last_error=f"{TABLES.label} answered 401.")
    shown = part(as_member, "h-attention")
    assert shown.count("<li>") == 1
    assert "1 failed export" in shown


def test_failures_with_one_cause_are_one_line(as_member: Client, cast: Cast) -> None:
    credential = cast.project(TABLES).credential
    projects = [cast.project(TABLES, remote_id=str(number)) for number in (4002, 4003)]
    for project in (*projects, cast.project(TABLES)):
        factories.failed_export(cast, "credential", f"{TABLES.label} answered 401.", project=project)
    factories.failed_export(cast, "provider_failed", "It broke there.", project=projects[0])
    shown = part(as_member, "h-attention")
    assert shown.count("<li>") == 2
    assert "and 2 more" in shown
    assert f"/credentials/{credential.pk}/" in shown
    assert "All failed exports" in shown


@pytest.mark.usefixtures("noon")
def test_the_oldest_copies_come_first(as_viewer: Client, cast: Cast) -> None:
    tables = cast.project(TABLES)
    old, new = cast.project(TABLES, remote_id="4002"), cast.project(TABLES, remote_id="4003")
    for project, name, days in ((tables, "never", None), (old, "old", 9), (new, "new", 0)):
        type(project).objects.filter(pk=project.pk).update(name=name)
        if days is not None:
            factories.succeeded_export(cast, project=project)
            type(project).objects.filter(pk=project.pk).update(last_good_at=timezone.now() - timedelta(days=days))
    factories.failed_export(cast, project=tables)
    cast.project(CHANGING)
    shown = part(as_viewer, "h-fresh")
    assert shown.index(">never</") < shown.index("9 days ago") < shown.index("today")
    assert "No project has a target yet" in shown
    assert f"The {CHANGING} one" not in shown, "nothing of it can be copied"


def test_projects_that_meet_their_target_are_counted(as_viewer: Client, cast: Cast) -> None:
    factories.failed_export(cast)
    for remote_id, hours in (("4001", 1), ("4002", 20)):
        project = cast.project(TABLES, remote_id=remote_id)
        good = timezone.now() - timedelta(hours=10)
        Project.objects.filter(pk=project.pk).update(fresh_within_hours=hours, last_good_at=good)
    shown = part(as_viewer, "h-fresh")
    assert "<b>1</b> of 2 projects meet their target" in shown
    assert shown.count("Late by 9") == 1


def test_results_of_each_day_are_in_the_chart_and_in_its_table(as_viewer: Client, cast: Cast) -> None:
    factories.succeeded_export(cast)
    factories.failed_export(cast)
    old = factories.succeeded_export(cast)
    Export.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=40))
    shown = part(as_viewer, "h-days")
    today = timezone.now()
    assert f"{today:%a} {today.day} {today:%b}: 1 succeeded, 1 failed, 0 canceled" in shown
    assert shown.count('<th scope="row">') == CHART_DAYS
    assert f"?since={today:%Y-%m-%d}&amp;until={today:%Y-%m-%d}" in shown


def test_kept_files_are_counted(as_viewer: Client, as_member: Client, cast: Cast) -> None:
    first, _ = factories.succeeded_export(cast), factories.succeeded_export(cast)
    shown = part(as_viewer, "h-kept")
    assert "52\xa0B" in shown
    assert "2 files" in shown
    as_member.post(f"{HOME}exports/bulk/delete", {"id": first.pk, "sure": "yes"})
    shown = part(as_viewer, "h-kept")
    assert "26\xa0B" in shown
    assert "1 file<" in shown


def test_recent_activity_is_shown(as_owner: Client, as_viewer: Client, as_member: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    as_member.post(f"{HOME}exports/{export.pk}/cancel")
    AuditEntry.objects.create(
        team=cast.team, user=cast.owner.user, actor="owner", verb="invited", target="ann@example.org"
    )
    AuditEntry.objects.create(
        team=cast.other_team, actor="outsider", verb="canceled", target="export 99 of somebody else"
    )
    shown = part(as_owner, "h-lately")
    link = f'href="/t/the-team/exports/{export.pk}/"'
    assert shown.index("ann@example.org") < shown.index("canceled") < shown.index(link)
    assert "somebody else" not in shown
    looked = part(as_viewer, "h-lately")
    assert link in looked
    assert "ann@example.org" not in looked, "whom an owner invites is not for everybody"


def test_other_teams_are_not_counted(as_outsider: Client, cast: Cast) -> None:
    factories.succeeded_export(cast)
    shown = as_outsider.get("/t/other-team/").content.decode()
    assert "1. Add a credential" in shown
    assert "h-days" not in shown


def test_an_empty_home_shows_the_first_steps(as_owner: Client, as_viewer: Client, cast: Cast) -> None:
    assert "/t/the-team/credentials/add/" in page(as_owner)
    assert "An owner adds it" in page(as_viewer)
    credential = cast.credential(TABLES)
    assert "/t/the-team/projects/add/" in page(as_owner)
    cast.project(TABLES, credential=credential)
    assert page(as_owner).index('aria-current="step"') < page(as_owner).index("3. Run your first export")
