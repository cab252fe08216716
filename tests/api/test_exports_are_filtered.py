"""Lists of exports are filtered; a filter that cannot be read is 422 and never ignored."""

from datetime import UTC, datetime

import pytest

from exports import states
from exports.models import Export
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS
from tests.helpers.run_exports import request_export

DAYS = {"app": 1, "video": 2, "archive": 3, "orders": 4}


@pytest.fixture(autouse=True)
def four(cast: Cast) -> dict[str, Export]:
    """Four exports, made at noon of the first four days of May: a failed app, a canceled video, two waiting ones."""
    made = {
        "app": request_export(cast.project(ARCHIVES), cast.owner, "app", options={"name": "App", "scenes": [1]}),
        "video": request_export(cast.project(VIDEOS), cast.member, "video"),
        "archive": request_export(cast.project(CHANGING), cast.member, "archive"),
        "orders": request_export(cast.project(TABLES), cast.member, "orders"),
    }
    made["app"].move(states.FAILED, source="poll", error_code="rejected", error_action="you")
    made["video"].move(states.CANCELED, source="person")
    Export.objects.filter(pk=made["orders"].pk).update(remote_id="JOB-77")
    for name, export in made.items():
        Export.objects.filter(pk=export.pk).update(created_at=datetime(2026, 5, DAYS[name], 12, tzinfo=UTC))
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=failed", "app"),
        ("status=waiting", "orders archive"),
        ("status=failed,canceled", "video app"),
        ("status=failed&status=canceled", "video app"),
        ("status=succeeded", ""),
        ("type=archive", "archive"),
        ("type=app,video", "video app"),
        (f"provider={CHANGING}", "archive"),
        (f"provider={CHANGING}&type=video", ""),
        (f"status=waiting&provider={TABLES}", "orders"),
        ("since=2026-05-03", "orders archive"),
        ("since=2026-05-03T12:00:00Z", "orders archive"),
        ("since=2026-05-03T12:00:01Z", "orders"),
        ("since=2026-05-03T14:00:00%2B02:00", "orders archive"),
        ("since=2026-05-03T14:00:00+02:00", "orders archive"),
        ("since=2026-05-03T12:00:00", "orders archive"),
        ("until=2026-05-02", "video app"),
        ("until=2026-05-02T12:00:00Z", "video app"),
        ("until=2026-05-02T11:59:59Z", "app"),
        ("since=2026-05-02&until=2026-05-03", "archive video"),
        ("since=2026-06-01&until=2026-05-01", ""),
        ("until=9999-12-31", "orders archive video app"),
        ("since=0001-01-01", "orders archive video app"),
        (f"q={TABLES}", "orders"),
        ("q=job-77", "orders"),
        ("q=MEMBER%40example.org", "orders archive video"),
        (f"q=the+{ARCHIVES}+one", "app"),
        (f"q=the+{ARCHIVES}+two", ""),
        ("q=%25", ""),
        ("q=100001", "app"),
        ("project_id=999999", ""),
        (f"project_id={2**63 - 1}", ""),
    ],
)
def test_each_filter_selects_the_matching_exports(
    member_api: ApiClient, four: dict[str, Export], query: str, found: str
) -> None:
    names = {export.pk: name for name, export in four.items()}
    body = member_api.get(f"/exports?{query}").json()
    assert [names[one["id"]] for one in body["exports"]] == found.split()


def test_a_search_for_a_number_finds_the_export_with_that_id(member_api: ApiClient, four: dict[str, Export]) -> None:
    wanted = four["video"].pk
    for query in (f"q=%23{wanted}", f"q={wanted}"):
        assert wanted in [one["id"] for one in member_api.get(f"/exports?{query}").json()["exports"]]


def test_exports_can_be_filtered_by_project(member_api: ApiClient, four: dict[str, Export]) -> None:
    body = member_api.get(f"/exports?project_id={four['app'].project_id}").json()
    assert [one["id"] for one in body["exports"]] == [four["app"].pk]


def test_the_list_of_one_project_takes_the_same_filters(member_api: ApiClient, four: dict[str, Export]) -> None:
    path = f"/projects/{four['app'].project_id}/exports"
    assert len(member_api.get(f"{path}?status=failed&type=app").json()["exports"]) == 1
    assert member_api.get(f"{path}?status=waiting").json()["exports"] == []
    problem_body(member_api.get(f"{path}?status=done"), 422)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("status=done", "status"),
        ("status=FAILED", "status"),
        ("status=failed,done", "status"),
        ("status=", "status"),
        ("status=failed,", "status"),
        ("type=movie", "type"),
        (f"provider={ARCHIVES.label}", "provider"),
        ("project_id=x", "project_id"),
        ("project_id=0", "project_id"),
        (f"project_id={2**63}", "project_id"),
        ("project_id=1&project_id=2", "project_id"),
        ("since=yesterday", "since"),
        ("since=2026-13-01", "since"),
        ("since=2026-05-03T25:00:00Z", "since"),
        ("since=0001-01-01T00:00:00%2B14:00", "since"),
        ("until=9999-12-31T23:59:59-14:00", "until"),
        ("until=2026-05-01&until=2026-05-02", "until"),
        ("q=", "q"),
        ("q=%00", "q"),
        (f"q={'x' * 201}", "q"),
        (f"q={'x+' * 9}", "q"),
        ("since=x&until=y&status=z&limit=0&nope=1", "since until status limit nope"),
    ],
)
def test_unreadable_filters_are_422_with_an_error_per_field(member_api: ApiClient, query: str, fields: str) -> None:
    assert set(problem_body(member_api.get(f"/exports?{query}"), 422)["errors"]) == set(fields.split())
