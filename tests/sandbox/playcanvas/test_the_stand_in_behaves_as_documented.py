"""The stand-in of PlayCanvas: requests, refusals and lists as documented or as its clients know them."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.provider_clients import Client

Make = Callable[[str], Client]
APP: dict[str, Any] = {"project_id": 100001, "name": "Game", "scenes": [1000011]}


def test_an_archive_is_answered_200_and_an_app_201(client: Make) -> None:
    play = client("playcanvas")
    assert play.submit().status_code == 200
    assert play.call("POST", "/api/apps/download", json=APP).status_code == 201


def test_an_archive_needs_no_body_at_all(client: Make) -> None:
    assert client("playcanvas").call("POST", "/api/projects/100001/export").json()["status"] == "running"


def test_a_branch_must_be_one_of_the_projects(client: Make) -> None:
    play = client("playcanvas")
    branch = play.call("GET", "/api/projects/100001/branches").json()["result"][0]["id"]
    assert play.submit("100001", branch_id=branch).status_code == 200
    assert play.submit("100001", branch_id="99999999-9999-9999-9999-999999999999").status_code == 404


@pytest.mark.parametrize(
    ("project", "status", "text"),
    [("1", 404, "Project not found"), ("100006", 404, "Owner not found"), ("100004", 403, "Forbidden")],
)
def test_refusals_are_in_the_documented_words(client: Make, project: str, status: int, text: str) -> None:
    answer = client("playcanvas").submit(project)
    assert (answer.status_code, answer.json()) == (status, {"error": text})


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": ""}, 400),
        ({"name": "x" * 1000}, 400),
        ({"name": "x" * 999}, 201),
        ({"version": "1" * 21}, 400),
        ({"description": "x" * 10_000}, 400),
        ({"scenes": []}, 400),
        ({"scenes": ["1000011"]}, 400),
        ({"scenes": [404]}, 404),
        ({"project_id": 100002, "scenes": [42]}, 404),
        ({"scripts_minify": "yes"}, 400),
        ({"format": "npm"}, 201),
        ({"format": "web_lens"}, 403),
        ({"target": "windows"}, 400),
        ({"project_id": 1}, 404),
    ],
)
def test_a_request_for_an_app_is_checked(client: Make, change: dict[str, Any], status: int) -> None:
    answer = client("playcanvas").call("POST", "/api/apps/download", json=APP | change)
    assert answer.status_code == status
    assert status == 201 or list(answer.json()) == ["error"]


def test_the_names_of_the_first_documents_still_work(client: Make) -> None:
    wish = {
        "project_id": 100001,
        "name": "Game",
        "source_pack_ids": [1000011],
        "target": "ios",
        "script_concatenate": True,
    }
    data = client("playcanvas").call("POST", "/api/apps/download", json=wish).json()["data"]
    assert (data["source_pack_ids"], data["target"], data["concatenate"]) == ([1000011], "ios", True)


def test_a_jobs_data_may_be_replaced_and_its_messages_missing(client: Make) -> None:
    play = client("playcanvas")
    assert "project" not in play.wait(play.start("100002")).raw["data"]
    assert "messages" not in play.job_status(play.start("100003")).raw


def test_branches_come_in_pages_from_the_last_one_seen(client: Make) -> None:
    play, names, skip, pages = client("playcanvas"), [], "", 0
    while True:
        page = play.call("GET", "/api/projects/100005/branches", params={"skip": skip}).json()
        names += [item["name"] for item in page["result"]]
        skip, pages = page["result"][-1]["id"], pages + 1
        if not page["pagination"]["hasMore"]:
            break
    assert (pages, len(names), names) == (3, 45, sorted(names))


def test_projects_can_be_picked_from_a_list(client: Make) -> None:
    play = client("playcanvas")
    user = play.call("GET", "/api/id").json()["id"]
    projects = play.call("GET", f"/api/users/{user}/projects").json()["result"]
    assert projects[0]["id"] == 100001
    scenes = play.call("GET", "/api/projects/100001/scenes").json()["result"]
    assert [scene["id"] for scene in scenes] == [1000011, 1000012, 1000013]
