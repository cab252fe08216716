"""Requests exports through the API during the storm, and repeats requests that were not answered."""

import json
import random
import threading
import time
from typing import Any, Final

import requests

from tests.chaos.portal_database import PortalDatabase
from tests.helpers.installation import Installation

# The embedded set-up's web process has few threads, so a request may wait long for the database.
GIVE_UP_SECONDS: Final = 300.0


class LoadGenerator(threading.Thread):
    """Requests each of `wanted` (project, type) once, in random order, with at most `max_open` exports open.

    Each request carries an Idempotency-Key, so that one whose answer was lost with its web process can be repeated.
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
        """Runs until every export is requested. `error` says why it ended early."""
        try:
            for number, (project, type_) in enumerate(self.wanted):
                while number % 10 == 0 and self.ledger.open() > self.max_open:
                    time.sleep(0.2)
                self.created[self._request(f"ask-{number}", project, type_)] = project
        except Exception as error:
            self.error = f"the requests ended with {error!r}"
            raise

    def _request(self, key: str, project: int, type_: str) -> int:
        ends = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                response = self._post(key, project, type_)
                if response.status_code == 201:
                    return int(response.json()["id"])
                if response.status_code < 500 or time.monotonic() > ends:
                    raise AssertionError(f"{response.status_code}: {response.text}")
            except requests.RequestException:
                if time.monotonic() > ends:
                    raise
            self.repeated_requests += 1
            time.sleep(0.2)

    def _post(self, key: str, project: int, type_: str) -> requests.Response:
        body: dict[str, Any] = {"type": type_, "confirm": True, "allow_twin": True}
        return requests.post(
            f"http://127.0.0.1:{self.portal.port}/api/v1/projects/{project}/exports",
            data=json.dumps(body),
            headers={"Authorization": f"Bearer {self.portal.token}", "Idempotency-Key": key},
            timeout=30,
        )
