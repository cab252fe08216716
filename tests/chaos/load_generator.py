"""Somebody who asks for exports through the API all through the storm, and asks again where no answer came."""

import json
import random
import threading
import time
from typing import Any, Final

import requests

from tests.chaos.portal_database import PortalDatabase
from tests.helpers.installation import Installation

# The embedded set-up's web process has a few threads; an ask that waits for the database waits its turn.
GIVE_UP_SECONDS: Final = 300.0


class LoadGenerator(threading.Thread):
    """Asks for each of `wanted` (project, type) once, in a mixed order, with so many under way at most.

    Each ask carries an Idempotency-Key, so that one whose answer was lost with its web process can be repeated.
    """

    def __init__(
        self, portal: Installation, ledger: PortalDatabase, wanted: list[tuple[int, str]], dice: random.Random
    ) -> None:
        super().__init__(daemon=True)
        self.portal, self.ledger = portal, ledger
        self.wanted = dice.sample(wanted, len(wanted))
        self.max_open = 250
        self.created: dict[int, int] = {}
        self.repeated_requests = 0
        self.error = ""

    def run(self) -> None:
        """Asks until all is asked."""
        try:
            for number, (project, type_) in enumerate(self.wanted):
                while number % 10 == 0 and self.ledger.open() > self.max_open:
                    time.sleep(0.2)
                self.created[self._ask(f"ask-{number}", project, type_)] = project
        except Exception as error:
            self.error = f"asking ended with {error!r}"
            raise

    def _ask(self, key: str, project: int, type_: str) -> int:
        ends = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                made = self._once(key, project, type_)
                if made.status_code == 201:
                    return int(made.json()["id"])
                if made.status_code < 500 or time.monotonic() > ends:
                    raise AssertionError(f"{made.status_code}: {made.text}")
            except requests.RequestException:
                if time.monotonic() > ends:
                    raise
            self.repeated_requests += 1
            time.sleep(0.2)

    def _once(self, key: str, project: int, type_: str) -> requests.Response:
        wanted: dict[str, Any] = {"type": type_, "confirm": True, "allow_twin": True}
        return requests.post(
            f"http://127.0.0.1:{self.portal.port}/api/v1/projects/{project}/exports",
            data=json.dumps(wanted),
            headers={"Authorization": f"Bearer {self.portal.token}", "Idempotency-Key": key},
            timeout=30,
        )
