"""Rows of the same tables whose rule lies in `exports.transport`: interim answers, and times in another unit."""

import time

from exports import states
from tests.field.conftest import POLL, SUBMIT, Field, recorded
from tests.helpers.roles import ARCHIVES
from tests.helpers.stub_server import ReceivedRequest, Reply


def test_an_interim_answer_before_the_acceptance_is_skipped(field: Field) -> None:
    field.server.on(SUBMIT[ARCHIVES], recorded("early-hints.http"))
    field.server.on(POLL[ARCHIVES], Reply(body=field.job(ARCHIVES)))
    export = field.run(ARCHIVES)
    assert (export.status, field.requests(ARCHIVES)) == (states.SUCCEEDED, 1)


def test_a_reset_in_milliseconds_is_no_pause_of_an_hour(field: Field) -> None:
    def limited(request: ReceivedRequest) -> Reply:
        return Reply(429, {"error": "Too many"}, {"X-RateLimit-Reset": str(int((time.time() + 3) * 1000))})

    field.server.on(SUBMIT[ARCHIVES], field.accepted(ARCHIVES))
    field.server.on(POLL[ARCHIVES], limited, Reply(body=field.job(ARCHIVES)))
    export = field.run(ARCHIVES)
    assert export.status == states.SUCCEEDED
    assert field.time.passed < 120
