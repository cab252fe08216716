"""Progress hints to the address a client left, sent in the background; whatever goes wrong is ignored."""

import heapq
import http.client
import itertools
import json
import threading
import time
from typing import Any
from urllib.parse import urlsplit

# A client that leaves a thousand addresses gets hints for the first ones only.
MAX_WAITING = 1000
TIMEOUT = 3.0

Hint = tuple[float, int, str, dict[str, Any]]


class Webhooks:
    """A queue of hints by time, and one thread that starts with the first of them."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._numbers = itertools.count()
        self._waiting: list[Hint] = []
        self._thread: threading.Thread | None = None
        self._stopped = False

    def send_at(self, when: float, url: str, body: dict[str, Any]) -> None:
        """POST this JSON to this address at this time, once."""
        with self._condition:
            if self._stopped or len(self._waiting) >= MAX_WAITING:
                return
            heapq.heappush(self._waiting, (when, next(self._numbers), url, body))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="stand-in webhooks", daemon=True)
                self._thread.start()
            self._condition.notify()

    def clear(self) -> None:
        """Drop what was not sent yet."""
        with self._condition:
            self._waiting.clear()

    def stop(self) -> None:
        """Send nothing any more."""
        with self._condition:
            self._stopped = True
            self._waiting.clear()
            self._condition.notify()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._stopped and (not self._waiting or self._waiting[0][0] > time.time()):
                    self._condition.wait(self._waiting[0][0] - time.time() if self._waiting else None)
                if self._stopped:
                    return
                _, _, url, body = heapq.heappop(self._waiting)
            post(url, body)


def post(url: str, body: dict[str, Any]) -> None:
    """POST JSON to an http or https address; every failure is ignored, answers are not read."""
    try:
        target = urlsplit(url)
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        connection = kinds[target.scheme](target.hostname or "", target.port, timeout=TIMEOUT)
        try:
            path = (target.path or "/") + (f"?{target.query}" if target.query else "")
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            connection.getresponse()
        finally:
            connection.close()
    except (OSError, KeyError, ValueError, http.client.HTTPException):
        return
