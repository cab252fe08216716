"""Whatever happens in whatever order, what must always hold holds; and once it is calm, everything ends.

HYPOTHESIS_PROFILE=long tries many more and longer orders, and others each time.
"""

import os

import pytest
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.cast import Cast
from tests.engine.events import Events
from tests.engine.house import REASONS, TURNS
from tests.engine.world import BEGIN, World

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


@pytest.mark.slow
@pytest.mark.timeout(7200 if LONG else 300)
def test_what_must_always_hold_holds(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    with time_machine.travel(BEGIN, tick=False) as clock:
        world = World(cast, clock, monkeypatch)

        class Here(Events):
            def __init__(self) -> None:
                super().__init__(world)

        run_state_machine_as_test(
            Here,
            settings=settings(
                max_examples=2000 if LONG else 60,
                stateful_step_count=80 if LONG else 40,
                derandomize=not LONG,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    assert world.reached >= {*TURNS, *REASONS}, "the events no longer reach every turn"
