"""A provider that takes 25 seconds to answer is slow, not lost."""

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation
from tests.helpers.roles import ARCHIVES, TABLES

pytestmark = [pytest.mark.slow(seconds=60), pytest.mark.services, pytest.mark.timeout(300)]


def test_a_submit_and_a_poll_answered_after_25_seconds_are_taken(embedded: Installation, own_sandbox: Sandbox) -> None:
    submit = own_sandbox.fault(provider=ARCHIVES, project="100001", on="submit", fault="slow", seconds=25, times=1)
    poll = own_sandbox.fault(provider=TABLES, project="4001", on="poll", fault="slow", seconds=25, times=1)
    embedded.start_web()
    embedded.start_worker()
    numbers = [
        embedded.ask(embedded.project(ARCHIVES, own_sandbox.origin(ARCHIVES), "100001"), "archive"),
        embedded.ask(embedded.project(TABLES, own_sandbox.origin(TABLES), "4001"), "orders"),
    ]
    for number in numbers:
        export = embedded.wait_until_ended(number, 90)
        assert export["status"] == "succeeded", export
    assert (own_sandbox.fired(submit), own_sandbox.fired(poll)) == (1, 1)
    assert (own_sandbox.jobs(ARCHIVES, "100001"), own_sandbox.jobs(TABLES, "4001")) == (1, 1)
