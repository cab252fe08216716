"""Sends progress webhooks to the address in a request, in the background; failures are ignored."""

import heapq
import http.client
import itertools
import json
import threading
import time
from typing import Any
from urllib.parse import urlsplit

# Further webhooks are dropped while this many wait.
MAX_WAITING = 1000
TIMEOUT = 3.0

Hint = tuple[float, int, str, dict[str, Any]]


class Webhooks:
    """A queue of webhooks by time, and one thread that starts with the first of them."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._numbers = itertools.count()
        self._waiting: list[Hint] = []
        self._thread: threading.Thread | None = None
        self._stopped = False

    def send_at(self, when: float, url: str, body: dict[str, Any]) -> None:
        """POSTs this JSON to this address once, at this time (seconds since 1970)."""
        with self._condition:
            if self._stopped or len(self._waiting) >= MAX_WAITING:
                return
            heapq.heappush(self._waiting, (when, next(self._numbers), url, body))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="stand-in webhooks", daemon=True)
                self._thread.start()
            self._condition.notify()

    def clear(self) -> None:
        """Drops what was not sent yet."""
        with self._condition:
            self._waiting.clear()

    def stop(self) -> None:
        """Stops sending."""
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
    """POSTs JSON to an http or https address; failures are ignored, the answer's body is not read."""
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
