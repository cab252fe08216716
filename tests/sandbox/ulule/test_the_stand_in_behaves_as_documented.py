"""The stand-in of Ulule: exports are created, read, listed and refused as documented."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest

from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import Client

Make = Callable[[str], Client]


def test_an_export_is_made_with_201_and_all_its_fields(client: Make) -> None:
    answer = client("ulule").submit()
    made = answer.json()
    assert answer.status_code == 201
    assert set(made) == {"id", "project_id", "type", "format", "status", "url", "created_at", "user"}
    assert (made["project_id"], made["type"], made["status"], made["url"]) == (4001, "orders", "waiting", None)


@pytest.mark.parametrize(
    ("change", "classification"),
    [
        ({"format": None}, "RequiredError"),
        ({"format": "pdf"}, "ValueError"),
        ({"type": "people"}, "ValueError"),
        ({"columns": ["order.id"]}, "TypeError"),
        ({"columns": {"order.colour": "Colour"}}, "ValueError"),
    ],
)
def test_a_wrong_request_is_answered_with_a_list_of_errors(
    client: Make, sandbox: Sandbox, change: dict[str, Any], classification: str
) -> None:
    answer = client("ulule").submit(**change)
    assert (answer.status_code, answer.json()[0]["classification"]) == (422, classification)
    assert sandbox.jobs("ulule", "4001") == 0


def test_an_unknown_field_is_an_error_for_newer_versions(client: Make) -> None:
    ulule = client("ulule")
    assert ulule.submit(colour="red").status_code == 201
    ulule.http.headers["Ulule-Version"] = "2020-11-10"
    assert ulule.submit(colour="red").json()[0]["classification"] == "UnknownFieldError"


def test_other_peoples_projects_and_unknown_ones_are_refused(client: Make) -> None:
    ulule = client("ulule")
    assert [ulule.submit(project).status_code for project in ("4004", "9", "3000000000")] == [403, 404, 400]
    assert isinstance(ulule.submit("9").json(), list)


def test_names_are_in_languages(client: Make) -> None:
    ulule = client("ulule")
    assert set(ulule.call("GET", "/v1/projects/4001").json()["name"]) == {"fr", "en"}
    mine = ulule.call("GET", "/v1/projects/4001?extra_fields=user_role").json()
    others = ulule.call("GET", "/v1/projects/4004?extra_fields=user_role").json()
    assert (mine["user_role"], others["user_role"]) == ("owner", "fan")


@pytest.mark.parametrize(("project", "word"), [("4010", "canceled"), ("4011", "cancelled"), ("4012", "failed")])
def test_some_exports_do_not_succeed(client: Make, project: str, word: str) -> None:
    ulule = client("ulule")
    seen = ulule.wait(ulule.start(project))
    assert (seen.word, seen.link) == (word, None)


def every_page(ulule: Client, path: str, name: str, **query: Any) -> tuple[list[int], int]:
    ids: list[int] = []
    for count in range(1, 100):
        page = ulule.call("GET", path, params=query).json()
        ids += [item["id"] for item in page[name]]
        if page["meta"]["next"] is None:
            return ids, count
        assert page["meta"]["next"].startswith("?")
        query = dict(parse_qsl(page["meta"]["next"][1:]))
    raise AssertionError("endless pages")


def test_exports_are_listed_newest_first_in_pages_of_at_most_20(client: Make) -> None:
    ulule = client("ulule")
    newest = int(ulule.start("4005"))
    ids, count = every_page(ulule, "/v1/projects/4005/exports", "exports", limit=100)
    assert ids[0] == newest
    assert (len(set(ids)), count) == (46, 3)
    assert ids == sorted(ids, reverse=True)


def test_exports_of_one_second_may_be_repeated_but_not_lost(client: Make) -> None:
    ulule = client("ulule")
    ulule.call("GET", "/v1/projects/4005/exports")
    made = {int(ulule.start("4005")) for _ in range(4)}
    ids, _ = every_page(ulule, "/v1/projects/4005/exports", "exports", limit=5)
    assert made < set(ids)
    assert len(set(ids)) == 49


def test_own_projects_are_listed(client: Make) -> None:
    ulule = client("ulule")
    me = ulule.call("GET", "/v1/me").json()
    ids, _ = every_page(ulule, f"/v1/users/{me['id']}/projects", "projects", state="created")
    assert ids[0] == 4001
    assert 4004 not in ids
    assert len(ids) == len(set(ids)) > 40
