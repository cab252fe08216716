"""`-P prefork`, `threads` and `solo` each bring an export to its end; `--autoscale` grows; gevent is refused."""

import subprocess
import sys

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.celery_cli import inspect
from tests.helpers.installation import ROOT, Installation, wait_for
from tests.helpers.roles import ARCHIVES, TABLES

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=20), pytest.mark.timeout(240)]


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_an_export_ends_with_its_file(on_redis: Installation, own_sandbox: Sandbox, pool: str) -> None:
    on_redis.start_worker(pool=pool, slots=1 if pool == "solo" else 4)
    number = on_redis.ask(on_redis.project(TABLES, own_sandbox.origin(TABLES), "4001"), "orders")
    assert on_redis.wait_until_ended(number)["status"] == "succeeded"
    assert ("ignores time limits" in on_redis.full_logs()) == (pool != "prefork")


def test_autoscale_counts_its_maximum_and_grows(on_redis: Installation, own_sandbox: Sandbox) -> None:
    own_sandbox.fault(provider=ARCHIVES, project="100001", on="submit", fault="slow", seconds=6, times=6)
    on_redis.start_worker("--autoscale=6,2")
    project = on_redis.project(ARCHIVES, own_sandbox.origin(ARCHIVES), "100001")
    numbers = [on_redis.ask(project, "archive", allow_twin=True) for _ in range(5)]
    wait_for(
        lambda: any(len(stats["pool"]["processes"]) > 2 for stats in inspect(on_redis, "stats").values()),
        90,
        on_redis.logs,
    )
    assert "6 slots" in on_redis.manage("doctor").stdout
    for number in numbers:
        assert on_redis.wait_until_ended(number)["status"] == "succeeded"


def test_the_pool_of_greenlets_is_refused_with_a_sentence(on_redis: Installation) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "portal", "worker", "-P", "gevent"],
        cwd=ROOT,
        env=on_redis.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert "The pool gevent is not supported" in ended.stderr
    assert "Traceback" not in ended.stderr
