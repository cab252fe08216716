"""A seed of the storm on each set-up in the normal suite; `make chaos` runs many and long ones.

CHAOS_SEEDS, CHAOS_EACH (exports of a project) and CHAOS_DEEDS (kills, flushes, cut connections) make it longer.
"""

import os

import pytest

from exports.sandbox.server import Sandbox
from tests.chaos.storm import Storm
from tests.services.installation import Installation

SEEDS = int(os.environ.get("CHAOS_SEEDS", "1"))
EACH = int(os.environ.get("CHAOS_EACH", "3"))
DEEDS = int(os.environ.get("CHAOS_DEEDS", "6"))
pytestmark = [pytest.mark.services, pytest.mark.timeout(300 + 10 * DEEDS + EACH)]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_or_asked_twice(portal: Installation, own_box: Sandbox, seed: int) -> None:
    own_box.settings(time_scale=0.3)
    portal.start_web()
    storm = Storm(portal, own_box, seed=seed, each=EACH)
    report = storm.rage(deeds=DEEDS, pause=1.5)
    wrong = storm.check()
    print(report)

    assert not wrong, "\n".join([str(report), *wrong])
    assert report.faults > 0
    assert sum(report.deeds.values()) > 0
