"""The stand-in of Toloka: operations, conflicts and pages as documented."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import Client

Make = Callable[[str], Client]


def status(toloka: Client, path: str) -> str:
    return str(toloka.call("GET", f"/api/v1/{path}").json()["status"])


def test_a_well_behaved_project_can_be_archived_again(client: Make, sandbox: Sandbox) -> None:
    toloka = client("toloka")
    first, second = (toloka.wait(toloka.start("10")).raw for _ in range(2))
    assert first["id"] < second["id"]
    assert (first["status"], second["status"], sandbox.jobs("toloka", "10")) == ("SUCCESS", "SUCCESS", 2)


@pytest.mark.parametrize(
    ("project", "code"),
    [("23", "UNARCHIVED_POOLS_CONFLICT"), ("25", "PROJECT_INAPPROPRIATE_STATUS"), ("22", "UNARCHIVED_POOLS_CONFLICT")],
)
def test_conflicts_are_409_with_a_code(client: Make, sandbox: Sandbox, project: str, code: str) -> None:
    answer = client("toloka").submit(project)
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert sandbox.jobs("toloka", project) == 0


def test_the_pools_in_the_way_are_named(client: Make) -> None:
    assert client("toloka").submit("23").json()["payload"] == {"pool_ids": ["2301", "2302"]}


def test_some_projects_are_done_at_once(client: Make) -> None:
    toloka = client("toloka")
    assert toloka.submit("20").json()["status"] == "SUCCESS"
    assert status(toloka, "projects/20") == "ARCHIVED"
    answer = toloka.submit("21")
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_failed_operation_has_raw_details_and_leaves_the_project(client: Make) -> None:
    toloka = client("toloka")
    seen = toloka.wait(toloka.start("24"))
    assert (seen.word, bool(seen.raw["details"])) == ("FAIL", True)
    assert status(toloka, "projects/24") == "ACTIVE"


def test_closed_pools_can_be_archived_and_then_the_project(client: Make, sandbox: Sandbox) -> None:
    toloka = client("toloka")
    for pool in ("2201", "2202"):
        answer = toloka.call("POST", f"/api/v1/pools/{pool}/archive")
        assert (answer.status_code, answer.json()["parameters"]) == (202, {"pool_id": pool})
        assert toloka.wait(answer.json()["id"]).word == "SUCCESS"
        assert status(toloka, f"pools/{pool}") == "ARCHIVED"
    assert toloka.call("POST", "/api/v1/pools/2203/archive").status_code == 204
    assert toloka.wait(toloka.start("22")).word == "SUCCESS"
    assert sandbox.ledger()["jobs"]["toloka"] == {"22": 1}


def test_an_open_pool_must_be_closed_first(client: Make) -> None:
    toloka = client("toloka")
    assert toloka.call("POST", "/api/v1/pools/2301/archive").json()["code"] == "POOL_INAPPROPRIATE_STATUS"
    assert toloka.call("POST", "/api/v1/pools/2302/close").status_code == 204
    toloka.wait(toloka.call("POST", "/api/v1/pools/2301/close").json()["id"])
    assert status(toloka, "pools/2301") == "CLOSED"


@pytest.mark.parametrize(
    ("pool", "code"),
    [
        ("2701", "POOL_LOCKED_BY_ANOTHER_OPERATION"),
        ("2801", "THERE_IS_REJECTED_ASSIGNMENT"),
        ("2901", "SUBMITTED_ASSIGNMENTS_CONFLICT"),
    ],
)
def test_some_pools_cannot_be_archived(client: Make, pool: str, code: str) -> None:
    answer = client("toloka").call("POST", f"/api/v1/pools/{pool}/archive")
    assert (answer.status_code, answer.json()["code"]) == (409, code)


def test_times_have_no_zone(client: Make) -> None:
    toloka = client("toloka")
    seen = toloka.wait(toloka.start()).raw
    for name in ("submitted", "started", "finished"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", seen[name])


def pages(toloka: Client, path: str, **query: Any) -> tuple[list[str], int]:
    ids: list[str] = []
    for count in range(1, 100):
        after = {"id_gt": ids[-1]} if ids else {}
        page = toloka.call("GET", f"/api/v1/{path}", params={"sort": "id", **query, **after}).json()
        ids += [item["id"] for item in page["items"]]
        if not page["has_more"]:
            return ids, count
    raise AssertionError("endless pages")


def test_lists_are_paged_by_the_last_id(client: Make) -> None:
    ids, count = pages(client("toloka"), "projects", limit=10)
    assert len(ids) == len(set(ids)) > 60
    assert ids == sorted(ids, key=int)
    assert count == -(-len(ids) // 10)


def test_lists_can_be_filtered_and_turned_round(client: Make) -> None:
    toloka = client("toloka")
    assert set(pages(toloka, "projects", status="ARCHIVED")[0]) == {"21", "25"}
    assert pages(toloka, "pools", project_id="22", status="CLOSED")[0] == ["2201", "2202"]
    jobs = [toloka.start() for _ in range(3)]
    found = toloka.call(
        "GET", "/api/v1/operations", params={"type": "PROJECT.ARCHIVE", "sort": "-submitted", "limit": 2}
    )
    assert [item["id"] for item in found.json()["items"]] == jobs[:0:-1]
    assert found.json()["has_more"]


def test_what_does_not_exist_is_404(client: Make) -> None:
    toloka = client("toloka")
    for answer in (toloka.submit("9"), toloka.poll("abc"), toloka.call("GET", "/api/v1/pools/1")):
        assert (answer.status_code, answer.json()["code"]) == (404, "DOES_NOT_EXIST")
