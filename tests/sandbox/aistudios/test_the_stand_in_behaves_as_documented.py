"""The stand-in of AI Studios: no job id, one export at a time, and the link of the last export."""

from collections.abc import Callable

from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import HEALTHY_PROJECTS, Client, set_progress, slow_down_jobs

Make = Callable[[str], Client]
API = "/api/odin/v3"
ALWAYS_STALE = "65fa6b07dca2e367461a2927"


def test_a_second_export_is_refused_while_one_is_under_way(client: Make, sandbox: Sandbox) -> None:
    slow_down_jobs(sandbox)
    studio = client("aistudios")
    studio.start()
    again = studio.submit()
    assert (again.status_code, again.json()["success"]) == (200, False)
    assert sandbox.jobs("aistudios", HEALTHY_PROJECTS["aistudios"]) == 1
    set_progress(sandbox, "aistudios", HEALTHY_PROJECTS["aistudios"], 1.0)
    assert studio.submit().json() == {"success": True, "data": {"projectId": HEALTHY_PROJECTS["aistudios"]}}


def test_an_unknown_project_is_refused_in_the_envelope(client: Make) -> None:
    studio = client("aistudios")
    for answer in (studio.submit("65fa6b07dca2e36746111111"), studio.poll("65fa6b07dca2e36746111111")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, 404)


def test_a_link_shows_only_at_100_percent(client: Make, sandbox: Sandbox) -> None:
    slow_down_jobs(sandbox)
    studio = client("aistudios")
    job = studio.start()
    data = studio.poll(job).json()["data"]
    assert 0 <= data["progress"] < 100
    assert "downloadUrl" not in data
    set_progress(sandbox, "aistudios", job, 1.0)
    assert studio.job_status(job).raw["data"]["progress"] == 100


def project(studio: Client, number: str) -> dict[str, object]:
    shown: dict[str, object] = studio.call("GET", f"{API}/editor/project/{number}").json()["data"]["project"]
    return shown


def test_each_export_has_a_task_id_of_its_own(client: Make) -> None:
    studio = client("aistudios")
    tasks = []
    for _ in range(2):
        studio.wait(studio.start())
        tasks.append(project(studio, HEALTHY_PROJECTS["aistudios"])["backendTaskId"])
    assert len(set(tasks)) == 2


def test_yesterdays_link_stays_for_a_while_where_that_is_the_projects_habit(client: Make, sandbox: Sandbox) -> None:
    slow_down_jobs(sandbox)
    studio = client("aistudios")
    before = project(studio, ALWAYS_STALE)
    studio.start(ALWAYS_STALE)
    stale = studio.job_status(ALWAYS_STALE).raw["data"]
    assert (stale["progress"], stale["downloadUrl"]) == (100, before["download_url"])
    assert project(studio, ALWAYS_STALE)["backendTaskId"] != before["backendTaskId"]
    set_progress(sandbox, "aistudios", ALWAYS_STALE, 0.5)
    assert not studio.job_status(ALWAYS_STALE).ended
    set_progress(sandbox, "aistudios", ALWAYS_STALE, 1.0)
    assert studio.job_status(ALWAYS_STALE).link not in (None, before["download_url"])


def test_only_exported_projects_are_listed(client: Make) -> None:
    studio = client("aistudios")
    listed = {item["id"] for item in studio.call("GET", f"{API}/editor/project").json()["data"]}
    assert ALWAYS_STALE in listed
    assert HEALTHY_PROJECTS["aistudios"] not in listed
    studio.wait(studio.start())
    data = studio.call("GET", f"{API}/editor/project").json()["data"]
    assert {item["state"] for item in data if item["id"] == HEALTHY_PROJECTS["aistudios"]} == {"exported"}


def test_options_are_checked(client: Make) -> None:
    studio = client("aistudios")
    assert not studio.submit(resolution="8k").json()["success"]
    assert not studio.submit(workspaceId="nowhere").json()["success"]
    place = studio.call("GET", f"{API}/dropdown/workspaces").json()["data"][0]["workspaceId"]
    assert studio.submit(resolution="720", workspaceId=place).json()["success"]
