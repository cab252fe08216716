"""A storm over workers apart: one for requests and control, one for polls, one for files and mails.

Beside what other storms do, the line to the broker is cut for 12 s, and the broker is wiped. The first five disruptions
are those; CHAOS_EACH=55 makes some 500 exports. Only `make chaos` runs it.
"""

import os
from collections.abc import Iterator

import pytest

from exports.sandbox.server import Sandbox
from tests.chaos.broker_line import BrokerLine, line_to
from tests.chaos.postgres_server import PostgresServer
from tests.chaos.storm import Storm
from tests.chaos.test_a_storm_loses_and_repeats_nothing import EACH, KILLS, SEEDS
from tests.chaos.violations import find_violations
from tests.helpers.installation import Installation

pytestmark = [
    pytest.mark.services,
    pytest.mark.timeout(700 + 30 * KILLS + 5 * EACH),
    pytest.mark.skipif("CHAOS_SEEDS" not in os.environ, reason="A long storm: `make chaos` runs it."),
]


@pytest.fixture
def line(portal: Installation) -> Iterator[BrokerLine]:
    """The line to the portal's broker."""
    with line_to(portal.environment["CELERY_BROKER_URL"]) as (line, address):
        portal.environment["CELERY_BROKER_URL"] = address
        yield line


@pytest.mark.parametrize("setup_environment", ["postgresql-redis", "postgresql-rabbitmq"], indirect=True)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_or_asked_twice(
    portal: Installation, line: BrokerLine, own_sandbox: Sandbox, own_postgres: PostgresServer | None, seed: int
) -> None:
    own_sandbox.settings(time_scale=0.15)
    portal.start_web()
    storm = Storm(portal, own_sandbox, own_postgres, seed, line)
    report = storm.run(EACH, KILLS, pause=1.5)
    wrong = find_violations(storm)
    print(report)

    assert not wrong, "\n".join([str(report), *wrong])
    assert report.exports > 9 * EACH
    assert report.kills >= KILLS
    assert report.disruptions["unplug"] > 0
    assert report.disruptions["broker"] > 0
    assert report.disruptions["cut"] > 0
