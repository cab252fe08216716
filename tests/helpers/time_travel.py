"""Runs exports at the times they plan, on a clock that is moved instead of waited for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import time_machine

from exports import clock
from exports.models import Export
from exports.steps.run import run_step
from tests.helpers.run_exports import EVERY_STEP, claim_due


class TimeTravel:
    """The moved clock. `begun`: when it was taken."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self.traveller = traveller
        self.begun = clock.now()

    @property
    def passed(self) -> float:
        """The seconds that have passed since it began, moved ones included."""
        return (clock.now() - self.begun).total_seconds()

    def run(self, export: Export, minutes: float = 40.0) -> Export:
        """Takes each step when it is due, until the export has ended or so many minutes have passed."""
        ends = clock.seconds_from_now(minutes * 60)
        while True:
            export.refresh_from_db()
            if export.next_step_at is None or export.next_step_at > ends:
                return export
            if export.next_step_at > clock.now():
                self.traveller.shift(export.next_step_at - clock.now())
            for claim in claim_due(EVERY_STEP, 100):
                run_step(claim)


@contextmanager
def time_travel() -> Iterator[TimeTravel]:
    """A clock that begins now, ticks, and is moved by `run`."""
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller:
        yield TimeTravel(traveller)
