"""The bench's own provider, registered the way a new one would be, and only under `tests.bench.settings`.

It is a real provider's code except for what a bench must choose: polls at a steady interval, and a published limit that
is checked at every call (rate-limit slots are taken as ever) and never binds.
"""

import os
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from django.apps import AppConfig

from exports.providers import contract
from exports.providers.registry import PROVIDERS
from exports.transport.client import Client
from tests.helpers.roles import ARCHIVES

INTERVAL = float(os.environ.get("BENCH_INTERVAL", "10"))
WINDOW = float(os.environ.get("BENCH_WINDOW") or 60)
Archives: Any = type(ARCHIVES.provider)


class Bench(Archives):  # type: ignore[misc]
    """Polled at a steady interval."""

    slug = "bench"
    label = "Bench"
    origins: ClassVar = {"production": "https://127.0.0.1"}
    supports_webhooks = True
    limits: ClassVar = {"normal": (60_000, 60.0), "strict": (60_000, 60.0)}
    kinds: ClassVar = (
        contract.Kind(
            "archive",
            "Project archive",
            ("zip",),
            ARCHIVES.provider.kinds[0].options,
            timedelta(days=2),
            poll_interval=contract.PollInterval(INTERVAL, 1.0, INTERVAL),
            rate_class="strict",
        ),
    )

    def submit(self, client: Client, job: contract.Job) -> contract.Accepted:
        """As the provider, and names the address for webhooks to the stand-in."""
        answer = client.post(f"/api/projects/{job.project}/export", {"hook": job.webhook_url}, creates=True).body
        return contract.Accepted(str(answer["id"]), contract.Status("running", str(answer["status"])))


class Windowed(Archives):  # type: ignore[misc]
    """The provider with its published numbers in shorter windows, polled as often as the bench says."""

    limits: ClassVar = {name: (calls, WINDOW) for name, (calls, _) in ARCHIVES.provider.limits.items()}
    kinds: ClassVar = tuple(
        replace(kind, poll_interval=contract.PollInterval(INTERVAL, 1.0, INTERVAL)) for kind in ARCHIVES.provider.kinds
    )


class BenchConfig(AppConfig):
    name = "tests.bench"
    label = "bench"

    def ready(self) -> None:
        """Registers the provider, and takes the jitter away, so that it is known when each poll is due."""
        PROVIDERS["bench"] = Bench()
        if os.environ.get("BENCH_WINDOW"):
            PROVIDERS[ARCHIVES] = Windowed()
        if os.environ.get("BENCH_STEADY"):
            from exports import clock

            clock.with_jitter = lambda seconds: seconds
