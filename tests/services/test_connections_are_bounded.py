"""No process opens more database connections than docs/operating.md says; a prefork parent opens none at all."""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urlsplit

import psutil
import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, wait_for
from tests.helpers.roles import ARCHIVES, TABLES
from tests.helpers.servers import DATABASE, connect_as_admin

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=30), pytest.mark.timeout(240)]

PREFORK_SLOTS: Final = 3
THREADS_SLOTS: Final = 4
WEB_THREADS: Final = 4
SAMPLE_SECONDS: Final = 0.1
# The section "Database connections" of docs/operating.md. The key: a process, and whether its children are meant.
CEILINGS: Final = {
    ("prefork", False): 0,
    ("prefork", True): 2,
    ("threads", False): THREADS_SLOTS + 1,
    ("beat", False): 1,
    ("web", False): 0,
    ("web", True): WEB_THREADS,
}


class ConnectionSampler(threading.Thread):
    """Counts the connections of each process to one database again and again, and keeps the highest counts."""

    def __init__(self, database: str) -> None:
        super().__init__(daemon=True)
        self.database = database
        self.highest: dict[int, int] = {}
        self.samples = 0
        self.done = threading.Event()

    def run(self) -> None:
        """Samples until `done`. Its own connection is to another database."""
        with connect_as_admin(DATABASE) as admin:
            while not self.done.wait(SAMPLE_SECONDS):
                rows = admin.execute("SELECT client_port FROM pg_stat_activity WHERE datname = %s", [self.database])
                self._count({int(str(port)) for (port,) in rows if port is not None})

    def _count(self, ports: set[int]) -> None:
        counts: dict[int, int] = {}
        # Only processes below this one: to look at all of the machine's takes a second where it is busy.
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                # The client's end has this port as its local one, the server's end as its remote one.
                count = sum(bool(one.laddr) and one.laddr.port in ports for one in process.net_connections("tcp"))
                counts[process.pid] = count
        for pid, count in counts.items():
            self.highest[pid] = max(count, self.highest.get(pid, 0))
        self.samples += 1


@contextlib.contextmanager
def sampled(database: str) -> Iterator[ConnectionSampler]:
    """Samples while the block runs."""
    sampler = ConnectionSampler(database)
    sampler.start()
    try:
        yield sampler
    finally:
        sampler.done.set()
        sampler.join(30)


def test_no_process_opens_more_than_the_documented_number(on_redis: Installation, own_sandbox: Sandbox) -> None:
    # Work overlaps, so that all slots are used at once.
    own_sandbox.fault(provider=ARCHIVES, project="100001", on="submit", fault="slow", seconds=1, times=6)
    with sampled(urlsplit(on_redis.environment["DATABASE_URL"]).path.strip("/")) as sampler:
        prefork = on_redis.start_worker(pool="prefork", slots=PREFORK_SLOTS, name="prefork")
        threads = on_redis.start_worker(pool="threads", slots=THREADS_SLOTS, name="threads")
        wait_for(lambda: _ready(on_redis) == 2, 60, on_redis.logs)
        _run_ten_exports(on_redis, own_sandbox)
        assert on_redis.web is not None
        assert on_redis.beat is not None
        parents = {"prefork": prefork.pid, "threads": threads.pid, "beat": on_redis.beat.pid, "web": on_redis.web.pid}
        children = {name: [child.pid for child in psutil.Process(pid).children()] for name, pid in parents.items()}
        assert len(children["prefork"]) == PREFORK_SLOTS
        # A prefork parent of Celery has one thread on Redis. The lease keepers are threads of its children.
        assert psutil.Process(prefork.pid).num_threads() == 1
        wait_for(lambda: sampler.samples > 20, 60, on_redis.logs)

    for (name, is_child), ceiling in CEILINGS.items():
        counts = [sampler.highest.get(pid, 0) for pid in (children[name] if is_child else [parents[name]])]
        assert max(counts) <= ceiling, f"{name}, {'child' if is_child else 'parent'}: {sampler.highest}"
        # A process that was never seen with a connection would show nothing.
        assert min(counts) > 0 or ceiling == 0, f"{name}: {sampler.highest}"


def _ready(portal: Installation) -> int:
    """How many worker nodes take messages."""
    with connect_as_admin(portal.environment["DATABASE_URL"]) as connection:
        row = connection.execute("SELECT count(*) FROM exports_heartbeat WHERE slots > 0").fetchone()
    return int(str(row[0])) if row else 0


def _run_ten_exports(portal: Installation, sandbox: Sandbox) -> None:
    """Ten exports, and meanwhile as many requests at once as the web process has threads, and more."""
    projects = [
        (portal.project(ARCHIVES, sandbox.origin(ARCHIVES), "100001"), "archive"),
        (portal.project(TABLES, sandbox.origin(TABLES), "4001"), "orders"),
    ]
    with ThreadPoolExecutor(2 * WEB_THREADS) as pool:
        asked = [pool.submit(portal.ask, *projects[number % 2], allow_twin=True) for number in range(10)]
        numbers = [future.result() for future in asked]
        ended = list(pool.map(lambda number: portal.wait_until_ended(number, 120), numbers))
    assert {export["status"] for export in ended} == {"succeeded"}, ended
