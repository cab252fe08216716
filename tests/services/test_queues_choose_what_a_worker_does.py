"""`-Q` means what Celery's manual says: a worker takes tasks of its queues and no others."""

import time

import pytest
import redis

from exports.sandbox.server import Sandbox
from tests.helpers.broker_queues import PREFIX_VARIABLE
from tests.helpers.celery_cli import EventDump
from tests.helpers.installation import Installation, wait_for
from tests.helpers.roles import TABLES

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=30), pytest.mark.timeout(240)]


def test_each_worker_runs_tasks_of_its_queues_only(on_redis: Installation, own_sandbox: Sandbox) -> None:
    events = EventDump(on_redis)
    for queues in ("portal.submit,portal.control", "portal.poll", "portal.fetch,portal.deliver"):
        on_redis.start_worker("-Q", on_redis.queue_names(queues), name=queues.replace(",", "-"), slots=2)
    project = on_redis.project(TABLES, own_sandbox.origin(TABLES), "4001")
    assert on_redis.wait_until_ended(on_redis.ask(project, "orders"))["status"] == "succeeded"
    wait_for(lambda: any(task == "exports.fetch" for _, task in events.received()), 20, lambda: str(events.lines()))
    ran: dict[str, set[str]] = {}
    for node, task in events.received():
        ran.setdefault(node.partition("@")[0], set()).add(task)
    # Housekeeping is whatever falls due meanwhile: all of it belongs to this worker, and none of the rest does.
    assert not ran["portal.submit-portal.control"] & {"exports.poll", "exports.fetch", "exports.deliver"}
    assert ran["portal.poll"] == {"exports.poll"}
    assert ran["portal.fetch-portal.deliver"] <= {"exports.fetch", "exports.deliver"}
    assert "exports.fetch" in ran["portal.fetch-portal.deliver"]


def test_a_queue_that_nobody_reads_fails_no_export_and_is_named(on_redis: Installation, own_sandbox: Sandbox) -> None:
    on_redis.start_worker("-Q", on_redis.queue_names("portal.submit,portal.poll,portal.control"))
    number = on_redis.ask(on_redis.project(TABLES, own_sandbox.origin(TABLES), "4001"), "orders")
    wait_for(lambda: on_redis.export(number)["step"] == "fetch", 60, lambda: str(on_redis.export(number)))
    wait_for(lambda: "Nobody reads" in on_redis.manage("doctor").stdout, 30, lambda: on_redis.manage("doctor").stdout)
    words = next(line for line in on_redis.manage("doctor").stdout.splitlines() if "worker" in line)
    assert on_redis.queue_names("portal.fetch,portal.deliver") in words
    time.sleep(3)
    export = on_redis.export(number)
    assert (export["status"], export["step"]) == ("processing", "fetch")

    on_redis.start_worker("-Q", on_redis.queue_names("portal.fetch"))
    assert on_redis.wait_until_ended(number)["status"] == "succeeded"


def test_messages_of_another_application_are_left_alone(on_redis: Installation, own_sandbox: Sandbox) -> None:
    key = f"{on_redis.environment[PREFIX_VARIABLE]}:celery"
    with redis.Redis.from_url(on_redis.environment["CELERY_BROKER_URL"]) as broker:
        broker.lpush(key, '{"body": "theirs"}')
        on_redis.start_worker()
        project = on_redis.project(TABLES, own_sandbox.origin(TABLES), "4001")
        assert on_redis.wait_until_ended(on_redis.ask(project, "orders"))["status"] == "succeeded"
        assert broker.llen(key) == 1
