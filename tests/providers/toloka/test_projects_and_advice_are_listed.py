"""Toloka's list of projects, the advice before the button, and the one option."""

from typing import Any

import pytest
from django.http import QueryDict

from exports.providers.contract import PreflightResult, RemoteProject
from exports.providers.toloka import Toloka
from exports.providers.toloka.options import ArchiveOptions
from exports.transport.client import Client
from exports.transport.errors import UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.toloka.conftest import POOLS, PROJECT, TRAININGS, items, job, pool, project

PROJECTS = "GET /api/v1/projects"


def listed(id_: int | str, status: str = "ACTIVE") -> dict[str, Any]:
    return {"id": id_, "public_name": f"Project {id_}", "status": status}


def test_projects_are_listed_to_the_last_page_which_goes_on_above_the_last_id(
    toloka: Toloka, client: Client, stub: StubServer
) -> None:
    stub.on(PROJECTS, items(listed("10"), listed(20, "ARCHIVED"), more=True), items(listed("30")))
    assert toloka.projects(client) == [
        RemoteProject("10", "Project 10", "ACTIVE"),
        RemoteProject("20", "Project 20", "ARCHIVED"),
        RemoteProject("30", "Project 30", "ACTIVE"),
    ]
    queries = [asked.path.partition("?")[2] for asked in stub.requests_to(PROJECTS)]
    assert queries == ["sort=id&limit=300", "sort=id&limit=300&id_gt=20"]


def test_an_empty_page_is_the_last_one_whatever_it_says(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(PROJECTS, items(listed("10"), more=True), items(more=True))
    assert len(toloka.projects(client)) == 1
    assert len(stub.requests_to(PROJECTS)) == 2


def test_a_project_without_a_name_goes_by_its_id(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(PROJECTS, items({"id": "10"}))
    assert toloka.projects(client) == [RemoteProject("10", "10", "")]


@pytest.mark.parametrize("body", [None, {}, [], {"items": {}}])
def test_an_answer_without_a_list_is_unreadable(toloka: Toloka, client: Client, stub: StubServer, body: object) -> None:
    stub.on(PROJECTS, Reply(body=body))
    with pytest.raises(UnreadableError):
        toloka.projects(client)


def test_advice_counts_what_is_not_archived_by_status(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(PROJECT, project())
    stub.on(POOLS, items(pool(1, "CLOSED"), pool(2, "CLOSED"), pool(3, "OPEN"), pool(4, "ARCHIVED")))
    (advice,) = toloka.preflight(client, job())
    assert not advice.ok
    assert "Not archived yet: 2 CLOSED pools, 1 OPEN pool." in advice.message
    assert stub.requests_to(TRAININGS) == []


def test_advice_reads_every_page_of_pools(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(PROJECT, project())
    stub.on(POOLS, items(pool(1, "CLOSED"), more=True), items(pool(2, "LOCKED")))
    (advice,) = toloka.preflight(client, job())
    assert "1 CLOSED pool, 1 LOCKED pool." in advice.message


def test_with_pools_first_only_what_is_not_closed_is_in_the_way(
    toloka: Toloka, client: Client, stub: StubServer
) -> None:
    stub.on(PROJECT, project())
    stub.on(POOLS, items(pool(1, "CLOSED"), pool(2, "ARCHIVED")))
    stub.on(TRAININGS, items(pool(9, "CLOSED")), items(pool(9, "OPEN")))
    first = job(options={"archive_pools": True})
    assert toloka.preflight(client, first) == [
        PreflightResult(True, "Archived first: 1 CLOSED pool, 1 CLOSED training.")
    ]
    (advice,) = toloka.preflight(client, first)
    assert not advice.ok
    assert "Not archived yet: 1 OPEN training." in advice.message


def test_advice_for_a_project_that_is_ready(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(PROJECT, project())
    stub.on(POOLS, items(pool(1, "ARCHIVED")))
    assert toloka.preflight(client, job()) == [PreflightResult(True, "All pools are archived.")]


def test_advice_for_a_project_that_is_archived_already(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(PROJECT, project("ARCHIVED"))
    assert toloka.preflight(client, job()) == [
        PreflightResult(True, "The project is already archived; nothing would change.")
    ]


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        ({}, None),
        ({"archive_pools": True}, True),
        ({"archive_pools": False}, False),
        (QueryDict("archive_pools=true"), True),
        (QueryDict("archive_pools=on"), True),
        (QueryDict("archive_pools="), None),
    ],
)
def test_archiving_pools_first_is_chosen_or_not(data: Any, wanted: bool | None) -> None:
    form = ArchiveOptions(data)
    assert form.is_valid(), form.errors
    assert form.cleaned_data == {"archive_pools": wanted}


@pytest.mark.parametrize("value", ["maybe", 1, [], {}])
def test_anything_but_a_boolean_is_an_error(value: object) -> None:
    assert dict(ArchiveOptions({"archive_pools": value}).errors) == {"archive_pools": ["Say true or false here."]}


def test_it_changes_something_and_yields_no_file() -> None:
    kind = Toloka().kind("archive")
    assert kind is not None
    assert (kind.effect, kind.formats, kind.has_file) == ("changes", ("none",), False)
