"""One storm on each set-up in the normal suite; `make chaos` runs more and longer ones.

CHAOS_SEEDS, CHAOS_EACH (exports of a project) and CHAOS_KILLS (processes killed in a storm) make it longer.
"""

import os

import pytest

from exports.sandbox.server import Sandbox
from tests.chaos.postgres_server import PostgresServer
from tests.chaos.storm import DISRUPTIONS, PROVIDER_FAULTS, Storm
from tests.chaos.violations import find_violations
from tests.helpers.installation import Installation

SEEDS = int(os.environ.get("CHAOS_SEEDS", "1"))
EACH = int(os.environ.get("CHAOS_EACH", "3"))
KILLS = int(os.environ.get("CHAOS_KILLS", "4"))
# A storm with so many exports and kills has every disruption and every fault.
LONG = 30
pytestmark = [pytest.mark.services, pytest.mark.timeout(600 + 30 * KILLS + 5 * EACH)]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_or_asked_twice(
    portal: Installation, own_sandbox: Sandbox, own_postgres: PostgresServer | None, seed: int
) -> None:
    own_sandbox.settings(time_scale=0.15)
    portal.start_web()
    storm = Storm(portal, own_sandbox, own_postgres, seed)
    report = storm.run(EACH, KILLS, pause=1.5)
    wrong = find_violations(storm)
    print(report)

    assert not wrong, "\n".join([str(report), *wrong])
    assert report.exports > 9 * EACH
    assert report.kills >= KILLS
    assert report.faults.total() > 0
    if min(EACH, KILLS) >= LONG:
        possible = {*DISRUPTIONS, "wake and stop"}
        if own_postgres is None or not storm.ledger.address:
            possible -= {"crash", "crowd"}
        if not storm.ledger.address:
            possible -= {"cut"}
        assert set(report.disruptions) == possible
        assert report.steps_under_way > 0
        assert len(report.faults) == len(PROVIDER_FAULTS)
        assert min(report.faults.values()) > 0
