"""What an operator of Celery looks at shows exports: `inspect active`, and task events as Flower reads them."""

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.celery_cli import EventDump, inspect
from tests.helpers.installation import Installation, wait_for

VIDEO = "65fa6b07dca2e367461a2925"
pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=30), pytest.mark.timeout(240)]


def active(portal: Installation) -> list[tuple[str, list[object]]]:
    """Name and arguments of the tasks that run."""
    return [(task["name"], task["args"]) for tasks in inspect(portal, "active").values() for task in tasks]


def test_inspect_active_names_the_export_at_each_step(portal: Installation, own_sandbox: Sandbox) -> None:
    own_sandbox.settings(file_bytes=8_000_000)
    for on, fault in (("submit", "slow"), ("poll", "slow"), ("file", "drip")):
        own_sandbox.fault(provider="aistudios", project=VIDEO, on=on, fault=fault, seconds=20, times=1)
    portal.start_web()
    portal.start_worker()
    number = portal.ask(portal.project("aistudios", own_sandbox.origin("aistudios"), VIDEO), "video")
    seen: dict[str, object] = {}

    def all_steps_seen() -> bool:
        for name, args in active(portal):
            ids = [pair[0] for pair in args[0]] if name == "exports.poll" else args[:1]  # type: ignore[attr-defined]
            if ids == [number]:
                seen[name] = args
        return seen.keys() >= {"exports.submit", "exports.poll", "exports.fetch"}

    wait_for(all_steps_seen, 120, lambda: f"{seen} {active(portal)} {portal.logs()}")
    assert portal.wait_until_ended(number)["status"] == "succeeded"


def test_events_count_a_task_for_each_submit_and_fetch_and_one_for_a_batch_of_polls(
    on_redis: Installation, own_sandbox: Sandbox
) -> None:
    events = EventDump(on_redis)
    project = on_redis.project("playcanvas", own_sandbox.origin("playcanvas"), "100001")
    on_redis.start_worker()
    wait_for(lambda: any("dispatch" in task for _, task in events.received()), 60, lambda: str(events.lines()))
    numbers = [on_redis.ask(project, "archive", allow_twin=True) for _ in range(12)]
    for number in numbers:
        assert on_redis.wait_until_ended(number)["status"] == "succeeded"
    polls = sum(len([call for call in on_redis.calls(number) if call["url"].count("/jobs/")]) for number in numbers)
    counts: dict[str, int] = {}
    for (_, task), count in events.received().items():
        counts[task] = counts.get(task, 0) + count
    assert counts["exports.submit"] == len(numbers)
    assert counts["exports.fetch"] == len(numbers)
    assert 0 < counts["exports.poll"] < polls
