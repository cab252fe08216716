"""TERM in mid-download and in mid-poll: the worker is gone within seconds, and another goes on from the bytes."""

import signal
import time

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, wait_for
from tests.helpers.roles import TABLES, VIDEOS

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=25), pytest.mark.timeout(180)]
VIDEO = "65fa6b07dca2e367461a2925"
# Five for what runs, and Celery's own time to end on a busy machine.
STOPPED_WITHIN = 9.0


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_it_ends_soon_and_the_download_goes_on_elsewhere(
    on_redis: Installation, own_sandbox: Sandbox, pool: str
) -> None:
    own_sandbox.settings(file_bytes=8_000_000)
    drip = own_sandbox.fault(provider=VIDEOS, project=VIDEO, on="file", fault="drip", seconds=120, times=1)
    slow = own_sandbox.fault(provider=TABLES, project="4001", on="poll", fault="slow", seconds=60, times=1)
    worker = on_redis.start_worker(pool=pool, slots=4)
    numbers = [
        on_redis.ask(on_redis.project(VIDEOS, own_sandbox.origin(VIDEOS), VIDEO), "video"),
        on_redis.ask(on_redis.project(TABLES, own_sandbox.origin(TABLES), "4001"), "orders"),
    ]
    wait_for(lambda: own_sandbox.fired(drip) == own_sandbox.fired(slow) == 1, 60, on_redis.logs)
    parts = on_redis.folder / "var" / "parts"
    wait_for(lambda: any(path.stat().st_size for path in parts.glob("*.part")), 30, "some bytes on disk")
    told = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    assert time.monotonic() - told < STOPPED_WITHIN
    assert any(path.stat().st_size for path in parts.glob("*.part")), "the part is kept"

    on_redis.start_worker(pool=pool, slots=4)
    for number in numbers:
        assert on_redis.wait_until_ended(number)["status"] == "succeeded"
    assert own_sandbox.jobs(VIDEOS, VIDEO) == own_sandbox.jobs(TABLES, "4001") == 1
