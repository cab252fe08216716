"""The home and the shared history: filters in the address, pages by key, live rows, few queries."""

from typing import Any

import pytest
from django.test import Client

from exports.engine import keep
from exports.models import Credential, Export, Heartbeat
from tests.cast import Cast
from tests.web import made

LIST = "/t/the-team/exports/"


def rows(client: Client, query: str = "", **headers: str) -> list[int]:
    """The numbers of the exports a page lists, in its order."""
    page = client.get(f"{LIST}{query}", headers=headers or None).content.decode()
    return [int(part.partition('"')[0]) for part in page.split('class="what" id="x')[1:]]


@pytest.fixture
def history(cast: Cast) -> dict[str, Export]:
    toloka = cast.project("toloka")
    return {
        "open": made.processing(cast, project=toloka),
        "good": made.succeeded(cast, name="spring.csv"),
        "bad": made.failed(cast, format_="xlsx"),
    }


def test_the_newest_come_first(as_viewer: Client, history: dict[str, Export]) -> None:
    assert rows(as_viewer) == [history["bad"].pk, history["good"].pk, history["open"].pk]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?status=failed", ["bad"]),
        ("?status=failed&status=succeeded", ["bad", "good"]),
        ("?status=failed,succeeded", ["bad", "good"]),
        ("?provider=toloka", ["open"]),
        ("?type=orders", ["bad", "good"]),
        ("?q=spring", ["good"]),
        ("?since=2000-01-01&until=2001-01-01", []),
        ("?status=&provider=&type=&project_id=&since=&until=&q=", ["bad", "good", "open"]),
    ],
)
def test_filters_are_in_the_address(
    as_viewer: Client, history: dict[str, Export], query: str, names: list[str]
) -> None:
    assert rows(as_viewer, query) == [history[name].pk for name in names]


def test_a_filter_stays_in_its_box(as_viewer: Client, history: dict[str, Export]) -> None:
    page = as_viewer.get(f"{LIST}?status=failed&q=%3Cb%3E").content.decode()
    assert '<option value="failed" selected>' in page
    assert 'value="&lt;b&gt;"' in page
    several = as_viewer.get(f"{LIST}?status=failed,succeeded").content.decode()
    assert '<option value="failed,succeeded" selected>' in several


def test_a_filter_that_cannot_be_read_is_named_and_left_out(as_viewer: Client, history: dict[str, Export]) -> None:
    answer = as_viewer.get(f"{LIST}?status=broken&since=yesterday&type=orders&before=x")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "The filter “status” was left out" in page
    assert "The filter “since” was left out" in page
    assert rows(as_viewer, "?status=broken&type=orders") == [history["bad"].pk, history["good"].pk]


def test_pages_go_by_key_and_keep_the_filters(as_viewer: Client, cast: Cast) -> None:
    made_all = [made.waiting(cast, allow_twin=True).pk for _ in range(65)][::-1]
    first = as_viewer.get(f"{LIST}?type=orders").content.decode()
    assert rows(as_viewer, "?type=orders") == made_all[:30]
    older = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "type=orders" in older
    assert rows(as_viewer, older) == made_all[30:60]
    last = as_viewer.get(f"{LIST}{older}").content.decode()
    assert "Newest" in last
    oldest = last.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert rows(as_viewer, oldest) == made_all[60:]
    assert 'rel="next"' not in as_viewer.get(f"{LIST}{oldest}").content.decode()


def test_an_empty_list_leads_on(as_member: Client, cast: Cast) -> None:
    assert "No exports yet" in as_member.get(LIST).content.decode()
    made.waiting(cast)
    assert "No export fits" in as_member.get(f"{LIST}?status=failed").content.decode()


def test_rows_move_only_while_something_is_open(as_viewer: Client, cast: Cast) -> None:
    export = made.processing(cast)
    page = as_viewer.get(LIST).content.decode()
    assert 'hx-trigger="every 2s"' in page
    mark = page.partition('"X-Live-Mark": "')[2].partition('"')[0]
    same = as_viewer.get(LIST, headers={"HX-Request": "true", "X-Live-Mark": mark})
    assert same.status_code == 204, "unchanged rows are not drawn again"
    Export.objects.filter(pk=export.pk).update(progress=80)
    moved = as_viewer.get(LIST, headers={"HX-Request": "true", "X-Live-Mark": mark})
    assert moved.status_code == 200
    assert "<html" not in moved.content.decode()
    assert 'value="80"' in moved.content.decode()
    export.move("canceled", source="person")
    ended = as_viewer.get(LIST, headers={"HX-Request": "true", "X-Live-Mark": mark}).content.decode()
    assert "Canceled" in ended
    assert "hx-trigger" not in ended


@pytest.mark.parametrize("path", ["exports/", "", "projects/", "credentials/", "new/"])
def test_lists_take_few_queries_however_long(
    as_owner: Client, cast: Cast, path: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        project = keep.create_project(
            cast.project("ulule").credential, cast.owner.user, remote_id=f"{5000 + number}", name=f"P {number}"
        )
        made.succeeded(cast, project=project)
        made.failed(cast, project=project)
        made.processing(cast, project=project)
    Heartbeat.beat("worker:test")
    with django_assert_max_num_queries(9 if path == "" else 8):
        assert as_owner.get(f"/t/the-team/{path}").status_code == 200


def test_the_home_says_what_needs_attention(as_member: Client, cast: Cast) -> None:
    bad = made.failed(cast, message="The pools are open.")
    made.processing(cast, format_="xlsx")
    page = as_member.get("/t/the-team/").content.decode()
    assert page.index("Needs attention") < page.index("The pools are open.") < page.index("In progress")
    assert "No worker is running" in page
    Heartbeat.beat("worker:test")
    assert "No worker is running" not in as_member.get("/t/the-team/").content.decode()
    as_member.post(f"{LIST}{bad.pk}/retry")
    assert "The pools are open." not in as_member.get("/t/the-team/").content.decode(), "somebody asked again"


def test_a_credential_in_trouble_needs_attention(as_member: Client, cast: Cast) -> None:
    credential = cast.credential("ulule")
    Credential.objects.filter(pk=credential.pk).update(trouble="Ulule answered 401.")
    assert "Ulule answered 401." in as_member.get("/t/the-team/").content.decode()


def test_an_empty_home_leads_from_step_to_step(as_owner: Client, as_viewer: Client, cast: Cast) -> None:
    assert "/t/the-team/credentials/add/" in as_owner.get("/t/the-team/").content.decode()
    assert "An owner of the team adds it." in as_viewer.get("/t/the-team/").content.decode()
    credential = cast.credential("ulule")
    assert "/t/the-team/projects/add/" in as_owner.get("/t/the-team/").content.decode()
    cast.project("ulule", credential=credential)
    assert "Now the first export" in as_owner.get("/t/the-team/").content.decode()
