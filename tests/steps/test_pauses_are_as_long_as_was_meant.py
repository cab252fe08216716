"""A 429 pauses for as long as the provider meant, in whatever unit it says so, and no nonsense pauses for an hour."""

import time

import pytest
from pytest_django.fixtures import Settings

from exports import clock, states
from exports.models import RateLimitPause
from tests.helpers.cast import Cast
from tests.helpers.raw_server import run_raw_server, sized
from tests.helpers.roles import ARCHIVES
from tests.helpers.run_exports import request_export, take_step

RUNNING = sized(b'{"id": 501, "status": "running", "messages": [], "data": {}}')


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("X-RateLimit-Reset: {ms}", 0, 20),
        ("X-RateLimit-Reset: {us}", 0, 20),
        ("X-RateLimit-Reset: {s}", 0, 20),
        ("Retry-After: {ms}", 0, 20),
        ("Retry-After: 3000000", 50, 3600),
        ("Retry-After: " + "9" * 400, 50, 80),
        ("X-RateLimit-Reset: \xb2", 50, 80),
    ],
)
def test_a_poll_goes_on_when_the_pause_is_over(
    cast: Cast, settings: Settings, header: str, low: float, high: float
) -> None:
    soon = time.time() + 3
    header = header.format(s=int(soon), ms=int(soon * 1e3), us=int(soon * 1e6))
    with run_raw_server() as host:
        settings.PRIVATE_HOSTS = (host.host,)
        host.on("GET /api/jobs/501", sized(b"{}", header, status="429 Too Many Requests"), RUNNING)
        export = request_export(cast.project(ARCHIVES, host.origin), cast.member, "archive", adopt="501")
        export = take_step(export)
        pause = RateLimitPause.objects.get()
        assert low <= (pause.until - clock.now()).total_seconds() <= high
        RateLimitPause.objects.all().delete()
        assert take_step(export).status == states.PROCESSING
