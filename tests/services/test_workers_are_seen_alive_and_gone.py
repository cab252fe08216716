"""`doctor` says which workers and beats are there, and which fell silent without having been stopped."""

import os
import signal

import pytest

from tests.helpers.installation import Installation, wait_for

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=50), pytest.mark.timeout(240)]


def doctor_line(portal: Installation, name: str) -> str:
    """What doctor prints of this check."""
    lines = portal.manage("doctor").stdout.splitlines()
    return next(line for line in lines if line.split()[1] == name)


def test_a_dead_worker_beside_a_live_one_is_visible_and_a_stopped_one_is_forgotten(on_redis: Installation) -> None:
    on_redis.start_worker(name="stays", slots=2)
    killed = on_redis.start_worker(name="killed", slots=2)
    stopped = on_redis.start_worker(name="stopped", slots=2)
    wait_for(lambda: "3 are there" in doctor_line(on_redis, "worker"), 60, on_redis.logs)
    os.kill(stopped.pid, signal.SIGTERM)
    assert stopped.wait(15) == 0
    on_redis.kill(killed)
    wait_for(
        lambda: "gone: killed@test" in doctor_line(on_redis, "worker"), 60, lambda: doctor_line(on_redis, "worker")
    )
    line = doctor_line(on_redis, "worker")
    assert line.startswith("ok")
    assert "stays@test is there" in line
    assert "stopped@test" not in line


def test_a_beat_beats_under_its_own_name(on_redis: Installation) -> None:
    first = on_redis.start_beat()
    second = on_redis.start_beat()
    wait_for(lambda: "2 are there" in doctor_line(on_redis, "beat"), 60, lambda: doctor_line(on_redis, "beat"))
    os.kill(first.pid, signal.SIGTERM)
    first.wait(15)
    wait_for(lambda: "is there" in doctor_line(on_redis, "beat"), 30, lambda: doctor_line(on_redis, "beat"))
    on_redis.kill(second)
    wait_for(lambda: doctor_line(on_redis, "beat").startswith("FAIL"), 60, lambda: doctor_line(on_redis, "beat"))
