"""The bench's own provider, registered the way a new one would be, and only under `tests.bench.settings`.

It speaks PlayCanvas' language and is PlayCanvas' code but for what a bench must choose: polls at a steady pace, and a
published limit that is looked after at every call (tickets are drawn as for PlayCanvas) and never binds.
"""

import itertools
import os
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from django.apps import AppConfig

from exports.providers import contract
from exports.providers.playcanvas import ArchiveOptions, PlayCanvas
from exports.providers.registry import PROVIDERS
from exports.transport.client import Client

INTERVAL = float(os.environ.get("BENCH_INTERVAL", "10"))
WINDOW = float(os.environ.get("BENCH_WINDOW") or 60)


class Bench(PlayCanvas):
    """PlayCanvas at a steady pace."""

    slug = "bench"
    label = "Bench"
    origins: ClassVar = {"production": "https://127.0.0.1"}
    hooks = True
    limits: ClassVar = {"normal": (60_000, 60.0), "strict": (60_000, 60.0)}
    kinds: ClassVar = (  # type: ignore[assignment]  # mypy takes PlayCanvas' number of kinds for a promise
        contract.Kind(
            "archive",
            "Project archive",
            ("zip",),
            ArchiveOptions,
            timedelta(days=2),
            poll_interval=contract.PollInterval(INTERVAL, 1.0, INTERVAL),
            rate_class="strict",
        ),
    )

    def submit(self, client: Client, job: contract.Job) -> contract.Accepted:
        """As PlayCanvas, and tells the stand-in our address for hints."""
        answer = client.post(f"/api/projects/{job.project}/export", {"hook": job.webhook_url}, creates=True).body
        return contract.Accepted(str(answer["id"]), self._sight(answer, job))


class Windowed(PlayCanvas):
    """PlayCanvas with its published numbers in shorter windows, polled as often as the bench says."""

    limits: ClassVar = {name: (calls, WINDOW) for name, (calls, _) in PlayCanvas.limits.items()}
    kinds: ClassVar = tuple(  # type: ignore[assignment]  # mypy takes PlayCanvas' number of kinds for a promise
        replace(kind, poll_interval=contract.PollInterval(INTERVAL, 1.0, INTERVAL)) for kind in PlayCanvas.kinds
    )


class BenchConfig(AppConfig):
    name = "tests.bench"
    label = "bench"

    def ready(self) -> None:
        """Registers the provider, and takes the jitter away, so that it is known when each poll is due."""
        PROVIDERS["bench"] = Bench()
        if os.environ.get("BENCH_WINDOW"):
            PROVIDERS["playcanvas"] = Windowed()
        if os.environ.get("BENCH_STEADY"):
            from exports import clock

            clock.with_jitter = lambda seconds: seconds
        if os.environ.get("BENCH_COUNT"):
            count_statements(Path(os.environ["BENCH_COUNT"]))


def count_statements(path: Path) -> None:
    """Has this process count what it asks the database, and write the sum down several times a second."""
    from django.db.backends.signals import connection_created

    counted = itertools.count(1)
    last = [0]

    def count(execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:
        last[0] = next(counted)
        return execute(statement, params, many, context)

    def attach(connection: Any, **_: Any) -> None:
        if count not in connection.execute_wrappers:
            connection.execute_wrappers.append(count)

    def write() -> None:
        while True:
            time.sleep(0.2)
            path.write_text(str(last[0]))

    connection_created.connect(attach, weak=False)
    threading.Thread(target=write, daemon=True).start()
