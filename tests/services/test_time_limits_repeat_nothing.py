"""Time limits and `--max-tasks-per-child` act on prefork, and a submit that one cuts is looked up, never repeated."""

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.celery_cli import inspect
from tests.helpers.installation import Installation, wait_for
from tests.helpers.roles import CHANGING, TABLES

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=30), pytest.mark.timeout(240)]


@pytest.mark.parametrize("option", ["--soft-time-limit", "--time-limit"])
def test_a_submit_that_is_cut_leads_to_a_search_for_its_job(
    on_redis: Installation, own_sandbox: Sandbox, option: str
) -> None:
    fault = own_sandbox.fault(provider=CHANGING, project="10", on="submit", fault="slow", seconds=25, times=1)
    on_redis.start_worker(option, "4")
    number = on_redis.ask(on_redis.project(CHANGING, own_sandbox.origin(CHANGING), "10"), "archive")
    wait_for(lambda: own_sandbox.fired(fault) == 1, 60, on_redis.logs)
    export = on_redis.wait_until_ended(number, 120)
    assert export["status"] == "succeeded", export
    assert own_sandbox.jobs(CHANGING, "10") == 1
    expected = "SoftTimeLimitExceeded" if option == "--soft-time-limit" else "Hard time limit (4"
    assert expected in on_redis.full_logs()


def test_a_download_that_is_cut_goes_on_from_its_bytes(on_redis: Installation, own_sandbox: Sandbox) -> None:
    own_sandbox.settings(file_bytes=3_000_000)
    own_sandbox.fault(provider=TABLES, project="4001", on="file", fault="drip", seconds=30, times=1)
    on_redis.start_worker("--soft-time-limit", "4")
    number = on_redis.ask(on_redis.project(TABLES, own_sandbox.origin(TABLES), "4001"), "orders")
    assert on_redis.wait_until_ended(number, 120)["status"] == "succeeded"


def test_child_processes_are_replaced_after_so_many_tasks(on_redis: Installation, own_sandbox: Sandbox) -> None:
    on_redis.start_worker("--max-tasks-per-child", "3", slots=2)
    project = on_redis.project(TABLES, own_sandbox.origin(TABLES), "4001")
    processes: set[int] = set()

    def note_processes() -> bool:
        for stats in inspect(on_redis, "stats").values():
            processes.update(stats["pool"]["processes"])
        return len(processes) > 4

    number = on_redis.ask(project, "orders")
    wait_for(note_processes, 60, lambda: f"{processes} {on_redis.logs()}")
    assert on_redis.wait_until_ended(number)["status"] == "succeeded"
    assert "gone" not in on_redis.manage("doctor").stdout
