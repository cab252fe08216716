"""The figures of /metrics, read from the database at each scrape, in Prometheus' text format.

There is nothing to add up between processes: any web process gives the same answer.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Final

from django.db import connection, connections, transaction
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from exports.metrics import families

log = logging.getLogger(__name__)

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
# Less than Prometheus waits unless it is told otherwise (10 s).
WAIT_SECONDS: Final = 8.0


class PortalCollector(Collector):
    """Reads all figures, in a dozen queries."""

    def collect(self) -> Iterator[Metric]:
        """Yields the metric families."""
        begun = time.monotonic()
        is_postgresql = connection.vendor == "postgresql"
        # On SQLite a transaction would keep others from writing.
        with transaction.atomic() if is_postgresql else nullcontext():
            if is_postgresql:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{WAIT_SECONDS * 1000:.0f}"])
            for family in families.FAMILIES:
                yield from family()
        seconds = GaugeMetricFamily("portal_scrape_seconds", "How long reading these figures took.")
        seconds.add_metric([], time.monotonic() - begun)
        yield seconds


REGISTRY: Final = CollectorRegistry(auto_describe=False)
REGISTRY.register(PortalCollector())


@dataclass
class _Scrape:
    """One reading, in a thread and on a connection of its own: a database that hangs must not hold a web thread."""

    done: threading.Event = field(default_factory=threading.Event)
    body: bytes | None = None

    def run(self) -> None:
        try:
            self.body = generate_latest(REGISTRY)
        except Exception as error:
            log.warning("The figures could not be read (%s).", type(error).__name__)
        finally:
            connections.close_all()
            self.done.set()


_lock = threading.Lock()
_scrape: _Scrape | None = None


def collect() -> bytes | None:
    """Returns the figures; None when the database gave none in WAIT_SECONDS. Scrapes at the same time share one."""
    global _scrape
    with _lock:
        if _scrape is None or _scrape.done.is_set():
            _scrape = _Scrape()
            threading.Thread(target=_scrape.run, name="metrics", daemon=True).start()
        scrape = _scrape
    scrape.done.wait(WAIT_SECONDS)
    return scrape.body
