"""What an operator of Celery looks at shows exports: `inspect active`, and task events as Flower reads them."""

from collections import Counter

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.celery_cli import EventDump, inspect
from tests.helpers.installation import Installation, wait_for
from tests.helpers.roles import ARCHIVES, TABLES, VIDEOS

VIDEO = "65fa6b07dca2e367461a2925"
pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=30), pytest.mark.timeout(240)]


def active(portal: Installation) -> list[tuple[str, list[object]]]:
    """Name and arguments of the tasks that run."""
    return [(task["name"], task["args"]) for tasks in inspect(portal, "active").values() for task in tasks]


def test_inspect_active_names_the_export_at_each_step(portal: Installation, own_sandbox: Sandbox) -> None:
    own_sandbox.settings(file_bytes=8_000_000)
    for on, fault in (("submit", "slow"), ("poll", "slow"), ("file", "drip")):
        own_sandbox.fault(provider=VIDEOS, project=VIDEO, on=on, fault=fault, seconds=7, times=1)
    portal.start_web()
    portal.start_worker()
    number = portal.ask(portal.project(VIDEOS, own_sandbox.origin(VIDEOS), VIDEO), "video")
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
    own_sandbox.settings(job_seconds=6)
    events = EventDump(on_redis)
    numbers = []
    for provider, remote_ids, type_ in (
        (ARCHIVES, ("100001", "100003", "100005"), "archive"),
        (TABLES, ("4001", "4002", "4003"), "orders"),
    ):
        for remote_id in remote_ids:
            project = on_redis.project(provider, own_sandbox.origin(provider), remote_id)
            numbers.append(on_redis.ask(project, type_))
    on_redis.start_worker()
    for number in numbers:
        assert on_redis.wait_until_ended(number)["status"] == "succeeded"
    polls = sum(on_redis.polls(number) for number in numbers)

    def counts() -> Counter[str]:
        found: Counter[str] = Counter()
        for (_, task), count in events.received().items():
            found[task] += count
        return found

    # The monitor prints what it received a moment later, and its lines through a buffer.
    wait_for(lambda: counts()["exports.fetch"] >= len(numbers), 30, lambda: f"{counts()} {events.lines()[-20:]}")
    assert counts()["exports.submit"] == len(numbers)
    assert counts()["exports.fetch"] == len(numbers)
    assert 0 < counts()["exports.poll"] < polls
