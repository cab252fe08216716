"""The invariants hold after events in any order, and without further faults every export ends.

HYPOTHESIS_PROFILE=long tries more and longer orders, which are different each time.
"""

import os

import pytest
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.helpers.cast import Cast
from tests.steps.invariants import RARE_ERROR_CODES, RARE_EVENTS
from tests.steps.state_machine import ExportStateMachine
from tests.steps.state_machine_setup import START_TIME, StateMachineSetup

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


@pytest.mark.slow(seconds=15)
@pytest.mark.timeout(7200 if LONG else 300)
def test_invariants_hold_after_every_event(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    with time_machine.travel(START_TIME, tick=False) as clock:
        setup = StateMachineSetup(cast, clock, monkeypatch)

        class ConfiguredStateMachine(ExportStateMachine):
            def __init__(self) -> None:
                super().__init__(setup)

        run_state_machine_as_test(
            ConfiguredStateMachine,
            settings=settings(
                max_examples=2000 if LONG else 75,
                stateful_step_count=80 if LONG else 40,
                derandomize=not LONG,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    assert setup.rare_events_seen >= {*RARE_EVENTS, *RARE_ERROR_CODES}, "the events no longer reach every rare event"
