"""Lists are newest first and paginated by key; the number of queries does not depend on their length."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from exports.credentials import service
from exports.models import Export, Project
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS
from tests.helpers.run_exports import request_export

MAX_QUERIES = 3


@pytest.fixture
def five(cast: Cast, project: Project) -> list[int]:
    """The ids of five exports, newest first."""
    made = [request_export(project, cast.member, "orders", allow_duplicate=True).pk for _ in range(5)]
    return made[::-1]


def ids(body: dict[str, Any]) -> list[int]:
    return [one["id"] for one in body["exports"]]


def test_the_newest_comes_first(member_api: ApiClient, five: list[int]) -> None:
    body = member_api.get("/exports").json()
    assert ids(body) == five
    assert body["meta"] == {"limit": 20, "next": None}


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("path", ["/exports", "/projects/{project}/exports"])
def test_following_the_next_links_returns_every_row_once(
    member_api: ApiClient, five: list[int], project: Project, path: str, limit: int
) -> None:
    path = path.format(project=project.pk)
    seen, query = [], f"?limit={limit}"
    while query:
        body = member_api.get(path + query).json()
        assert body["meta"]["limit"] == limit
        assert len(body["exports"]) <= limit
        seen += ids(body)
        query = body["meta"]["next"]
    assert seen == five


def test_the_next_link_keeps_the_filters(member_api: ApiClient, five: list[int]) -> None:
    query = "?status=waiting,failed&type=orders&q=the+one&since=2020-01-01&limit=2"
    first = member_api.get("/exports" + query).json()
    following = first["meta"]["next"]
    for part in ("status=waiting%2Cfailed", "type=orders", "q=the+one", "since=2020-01-01", "limit=2"):
        assert part in following
    assert following.startswith("?")
    assert ids(member_api.get("/exports" + following).json()) == five[2:4]


def test_new_exports_do_not_move_the_pages(
    member_api: ApiClient, five: list[int], cast: Cast, project: Project
) -> None:
    following = member_api.get("/exports?limit=2").json()["meta"]["next"]
    request_export(project, cast.member, "orders", allow_duplicate=True)
    assert ids(member_api.get("/exports" + following).json()) == five[2:4]


@pytest.mark.parametrize("path", ["/exports", "/projects", "/credentials", "/projects/{project}/exports"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=1.5", "limit"),
        ("limit=", "limit"),
        ("limit=ten", "limit"),
        ("limit=٣", "limit"),
        ("limit=1&limit=2", "limit"),
        (f"limit={'9' * 5000}", "limit"),
        ("before=0", "before"),
        ("before=x", "before"),
        (f"before={2**63}", "before"),
        ("page=2", "page"),
        ("stat=failed", "stat"),
    ],
)
def test_an_invalid_page_is_422(member_api: ApiClient, project: Project, path: str, query: str, field: str) -> None:
    answer = problem_body(member_api.get(f"{path.format(project=project.pk)}?{query}"), 422)
    assert set(answer["errors"]) == {field}


@pytest.mark.parametrize("query", ["limit=1", "limit=100", "before=1", f"before={2**63 - 1}"])
def test_the_smallest_and_the_largest_page_size_are_accepted(member_api: ApiClient, query: str) -> None:
    assert member_api.get(f"/exports?{query}").status_code == 200


def test_projects_and_credentials_are_paginated_too(member_api: ApiClient, cast: Cast) -> None:
    made = [cast.credential(TABLES, name=f"key {number}") for number in range(3)]
    projects = [service.create_project(made[0], None, remote_id=str(number)) for number in range(3)]
    for path, rows in (("/credentials", made), ("/projects", projects)):
        name = path[1:]
        first = member_api.get(f"{path}?limit=2").json()
        rest = member_api.get(path + first["meta"]["next"]).json()
        assert [one["id"] for one in first[name] + rest[name]] == [row.pk for row in reversed(rows)]
        assert rest["meta"] == {"limit": 2, "next": None}


@pytest.mark.parametrize(
    "path", ["/exports", f"/exports?status=waiting&provider={TABLES}&q=one&limit=100", "/projects", "/credentials"]
)
def test_the_number_of_queries_does_not_grow(
    member_api: ApiClient, cast: Cast, five: list[int], django_assert_max_num_queries: DjangoAssertNumQueries, path: str
) -> None:
    member_api.get("/me")  # The token's use is noted once a minute.
    for provider in (ARCHIVES, VIDEOS, CHANGING):
        request_export(cast.project(provider), cast.owner, {VIDEOS: "video"}.get(provider, "archive"))
    with django_assert_max_num_queries(MAX_QUERIES):
        body = member_api.get(path).json()
    assert len(next(iter(body.values()))) >= 4


def test_the_list_of_one_project_contains_no_other(member_api: ApiClient, cast: Cast, five: list[int]) -> None:
    other = request_export(cast.project(CHANGING), cast.member, "archive")
    body = member_api.get(f"/projects/{other.project_id}/exports").json()
    assert ids(body) == [other.pk]
    assert Export.objects.count() == 6
