"""Its exports change a project."""

from collections.abc import Callable

from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import Client, set_progress, slow_down_jobs

Make = Callable[[str], Client]


def test_a_toloka_project_is_in_the_archive_afterwards(client: Make, sandbox: Sandbox) -> None:
    slow_down_jobs(sandbox)
    changing = client("toloka")
    answer = changing.submit("10")
    assert (answer.status_code, answer.json()["status"]) == (202, "PENDING")
    assert answer.json()["parameters"] == {"project_id": "10"}
    assert changing.call("GET", "/api/v1/projects/10").json()["status"] == "ACTIVE"
    set_progress(sandbox, "toloka", "10", 1.0)
    assert changing.job_status(answer.json()["id"]).word == "SUCCESS"
    assert changing.call("GET", "/api/v1/projects/10").json()["status"] == "ARCHIVED"
