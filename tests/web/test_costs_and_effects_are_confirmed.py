"""Whatever costs something or changes something at a provider says so on a page of its own, and is confirmed there."""

import pytest
from django.test import Client

from exports.models import Export
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.schedules import make_schedule

TEAM = "/t/the-team/"
MAILED = f"{TABLES.label} also mails the file"


def read(client: Client, path: str) -> str:
    answer = client.get(TEAM + path)
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.mark.parametrize(
    ("made", "question"), [("failed", "Retry this export?"), ("succeeded", "Run this export again?")]
)
def test_running_again_says_what_it_costs_first(as_member: Client, cast: Cast, made: str, question: str) -> None:
    export = getattr(factories, f"{made}_export")(cast)
    page = read(as_member, f"exports/{export.pk}/retry")
    assert question in page
    assert MAILED in page
    assert f"The project at {TABLES.label} stays as it is." in page
    assert f'action="{TEAM}exports/{export.pk}/retry"' in page
    assert Export.objects.count() == 1


def test_a_retry_that_may_run_twice_says_so(as_member: Client, cast: Cast) -> None:
    unknown = factories.failed_export(cast, "unconfirmed")
    assert "this could run it twice" in read(as_member, f"exports/{unknown.pk}/retry")


def test_canceling_says_that_it_is_for_good_and_what_goes_on_there(as_member: Client, cast: Cast) -> None:
    going, waiting = factories.processing_export(cast), factories.waiting_export(cast, format_="xlsx")
    page = read(as_member, f"exports/{going.pk}/cancel")
    assert "A canceled export never resumes." in page
    assert "it may still finish and mail the file" in page
    assert f"Nothing was requested at {TABLES.label}." in read(as_member, f"exports/{waiting.pk}/cancel")
    assert set(Export.objects.values_list("status", flat=True)) == {"processing", "waiting"}


def test_bulk_actions_say_how_many_and_what_each_costs(as_member: Client, cast: Cast) -> None:
    bad = [factories.failed_export(cast, format_=format_) for format_ in ("csv", "xlsx")]
    good = factories.succeeded_export(cast, project=cast.project(TABLES, remote_id="4002"))
    going = factories.processing_export(cast, project=good.project)
    ids = [export.pk for export in (*bad, good, going)]
    page = as_member.post(f"{TEAM}exports/bulk/retry", {"id": ids}).content.decode()
    assert "Run 3 exports again?" in page
    assert f"3 \N{MULTIPLICATION SIGN} {MAILED}" in page
    assert f"#{going.pk}, Orders of " in page
    page = as_member.post(f"{TEAM}exports/bulk/cancel", {"id": ids}).content.decode()
    assert "Cancel 1 export?" in page
    assert Export.objects.count() == 4
    assert Export.objects.get(pk=going.pk).status == "processing"


def test_running_a_schedule_now_says_what_it_costs(as_member: Client, cast: Cast) -> None:
    schedule = make_schedule(cast.project(TABLES), cast.member, "15 6 * * *")
    assert MAILED in read(as_member, f"schedules/{schedule.pk}/run")
    assert not Export.objects.exists()
    as_member.post(f"{TEAM}schedules/{schedule.pk}/run")
    assert Export.objects.get().schedule == schedule


def test_protecting_says_what_each_run_costs(as_member: Client, cast: Cast) -> None:
    assert MAILED in read(as_member, f"coverage/{cast.credential(TABLES).pk}/protect/")


def test_no_page_requests_or_cancels_without_asking(as_member: Client, cast: Cast) -> None:
    """Lists, home and export pages lead to the questions by links; no button of theirs acts at once."""
    bad = factories.failed_export(cast)
    going = factories.processing_export(cast, format_="xlsx")
    for path in ("", "exports/", f"exports/{bad.pk}/", f"exports/{going.pk}/"):
        page = read(as_member, path)
        for action in (f"{bad.pk}/retry", f"{going.pk}/cancel"):
            assert f'action="{TEAM}exports/{action}"' not in page, path
