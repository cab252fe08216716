"""The bench's own provider, registered the way a new one would be, and only under `tests.bench.settings`.

It is PlayCanvas' code except for what a bench must choose: polls at a steady interval, and a published limit that is
checked at every call (rate-limit slots are taken as for PlayCanvas) and never binds.
"""

import os
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

from django.apps import AppConfig

from exports.providers import contract
from exports.providers.playcanvas import PlayCanvas
from exports.providers.playcanvas_options import ArchiveOptions
from exports.providers.registry import PROVIDERS
from exports.transport.client import Client

INTERVAL = float(os.environ.get("BENCH_INTERVAL", "10"))
WINDOW = float(os.environ.get("BENCH_WINDOW") or 60)


class Bench(PlayCanvas):
    """PlayCanvas, polled at a steady interval."""

    slug = "bench"
    label = "Bench"
    origins: ClassVar = {"production": "https://127.0.0.1"}
    supports_webhooks = True
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
        """As PlayCanvas, and names the address for webhooks to the stand-in."""
        answer = client.post(f"/api/projects/{job.project}/export", {"hook": job.webhook_url}, creates=True).body
        return contract.Accepted(str(answer["id"]), contract.Status("running", str(answer["status"])))


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
