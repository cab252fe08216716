"""Rows of the same tables whose rule lies in `exports.transport`: interim answers, and times in another unit."""

import time

from exports import states
from tests.field.conftest import POLL, SUBMIT, Field, recorded
from tests.helpers.stub_server import ReceivedRequest, Reply


def test_an_interim_answer_before_the_acceptance_is_skipped(field: Field) -> None:
    field.server.on(SUBMIT["playcanvas"], recorded("early-hints.http"))
    field.server.on(POLL["playcanvas"], Reply(body=field.job("playcanvas")))
    export = field.run("playcanvas")
    assert (export.status, field.requests("playcanvas")) == (states.SUCCEEDED, 1)


def test_a_reset_in_milliseconds_is_no_pause_of_an_hour(field: Field) -> None:
    def limited(request: ReceivedRequest) -> Reply:
        return Reply(429, {"error": "Too many"}, {"X-RateLimit-Reset": str(int((time.time() + 3) * 1000))})

    field.server.on(SUBMIT["playcanvas"], Reply(201, field.job("playcanvas", done=False)))
    field.server.on(POLL["playcanvas"], limited, Reply(body=field.job("playcanvas")))
    export = field.run("playcanvas")
    assert export.status == states.SUCCEEDED
    assert field.time.passed < 120
