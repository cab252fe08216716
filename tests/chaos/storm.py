"""A storm over a whole portal: processes killed, messages flushed, a database that crashes, a provider that misbehaves.

Exports are requested during all of it. `violations` checks the result against the stand-ins' ledger: every export has
ended, none was requested twice, histories have no gap, files are complete, and no file is left over. All random choices
come from one seed.
"""

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from exports.sandbox.server import Sandbox
from tests.chaos.broker_line import BrokerLine
from tests.chaos.load_generator import LoadGenerator
from tests.chaos.portal_database import PortalDatabase
from tests.chaos.postgres_server import PostgresServer
from tests.helpers.broker_queues import PREFIX_VARIABLE, empty_queues
from tests.helpers.installation import Installation, Process, wait_for
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS

# (provider, type, exports per project as a share of `each`, projects without faults). Exports of one
# project run one after the other except where a token may start several, so the others have fewer on more projects.
TARGETS: Final[tuple[tuple[str, str, float, tuple[str, ...]], ...]] = (
    (ARCHIVES, "archive", 4 / 3, ("100001", "100003", "100005")),
    (CHANGING, "archive", 1 / 3, ("10", "11", "12", "30", "31", "32", "33", "34", "35")),
    (TABLES, "orders", 1 / 2, ("4001", "4002", "4003", "4005")),
    (VIDEOS, "video", 1 / 10, ("65fa6b07dca2e367461a2925", "65fa6b07dca2e367461a2926")),
)
# The faults of the providers and their share of calls: about a fifth of each sort of call.
PROVIDER_FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"on": "poll", "fault": "status", "status": 500, "probability": 0.06},
    {"on": "poll", "fault": "garbage", "probability": 0.05},
    {"on": "poll", "fault": "cut", "probability": 0.07},
    {"on": "poll", "fault": "429", "retry_after": 1, "probability": 0.02},
    {"on": "list", "fault": "status", "status": 503, "probability": 0.1},
    {"on": "list", "fault": "cut", "probability": 0.1},
    {"on": "submit", "fault": "lost_answer", "probability": 0.1},
    {"on": "submit", "fault": "status", "status": 500, "probability": 0.05},
    {"on": "submit", "fault": "cut", "probability": 0.05},
    {"on": "file", "fault": "cut_once", "probability": 0.1},
    {"on": "file", "fault": "status", "status": 503, "probability": 0.1},
)
KILLED_PROCESSES: Final = ("worker", "beat", "web")
# Taken in random order without replacement, so that every long storm has them all.
DISRUPTIONS: Final = (
    *("worker", "worker", "worker", "worker", "worker", "worker", "worker", "beat", "beat", "web", "web"),
    *("broker", "cut", "crash", "crowd", "freeze"),
)
# The queues of each worker, where they are not one worker's.
APART: Final = ("portal.submit,portal.control", "portal.poll", "portal.fetch,portal.deliver")
# Longer than a lease: a worker that wakes up after it has lost its claims.
FROZEN_SECONDS: Final = 12.0
CONNECTION_FLOOD_SECONDS: Final = 3.0
UNPLUGGED_SECONDS: Final = 12.0
LEAVE_OUT_EVERY_SECONDS: Final = 15.0
LEAVE_OUT_PAUSES: Final = """
from datetime import timedelta
from django.db.models import F
from exports import clock
from exports.models import Export
searched = Export.objects.open().filter(step="submit", in_doubt_since__isnull=False, held_until=None)
searched.update(in_doubt_since=F("in_doubt_since") - timedelta(minutes=2), next_step_at=clock.now())
"""


@dataclass
class Report:
    """What happened: disruptions, faults of the providers, and how the exports ended.

    `steps_under_way`: steps that were reserved or under way when a worker was killed. `repeated_requests`: requests
    sent again. `swept`: parts of files that dead workers left.
    """

    seed: int
    disruptions: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    steps_under_way: int = 0
    repeated_requests: int = 0
    swept: int = 0
    # The longest time from each sort of disruption to the next call of a provider, in seconds, while exports were due.
    resumed_after: dict[str, float] = field(default_factory=dict)
    exports: int = 0
    seconds: float = 0.0

    @property
    def kills(self) -> int:
        """The number of processes that were killed."""
        return sum(self.disruptions[name] for name in KILLED_PROCESSES)


class Storm:
    """One storm over one installation. `server`: the database's server, where it belongs to the storm."""

    def __init__(
        self,
        portal: Installation,
        sandbox: Sandbox,
        server: PostgresServer | None,
        seed: int,
        line: BrokerLine | None = None,
    ) -> None:
        self.portal, self.sandbox, self.server = portal, sandbox, server
        self.ledger = PortalDatabase(portal)
        self.rng = random.Random(seed)
        self.report = Report(seed)
        self.projects: dict[int, tuple[str, str]] = {}
        # The database crashes in every storm, however short.
        self.pending_disruptions = ["crash"] if line is None else ["unplug", "broker", "cut", "freeze", "crash"]
        self.disrupted: list[tuple[str, float]] = []
        self.frozen: list[tuple[Process, float]] = []
        self.pauses_left_out_at = 0.0
        self.line = line
        self.queues = APART if line else ("", "")
        self.workers = [(self._start_worker(queues), queues) for queues in self.queues]
        if server is not None:
            server.checkpoint()

    def run(self, each: int, kills: int, pause: float) -> Report:
        """Requests about nine times `each` exports while `kills` processes are killed; waits until all have ended."""
        begun = time.monotonic()
        for fault in PROVIDER_FAULTS:
            self.sandbox.fault(provider="*", project="*", seed=self.rng.randrange(10**6), **fault)
        load = LoadGenerator(self.portal, self.ledger, self._wanted(each), self.rng)
        load.start()
        while self.report.kills < kills or (load.is_alive() and self.report.kills < 3 * kills):
            time.sleep(self.rng.uniform(0.5, 1.5) * pause)
            self._disrupt(self._next_disruption())
            self._thaw(FROZEN_SECONDS)
        load.join()
        assert not load.error, load.error
        for fault in self.sandbox.faults():
            self.report.faults[f"{fault['on']}: {fault['fault']} {fault.get('status') or ''}".strip()] += fault["fired"]
        self.sandbox.clear_faults()
        self._thaw(0.0)
        wait_for(self._nothing_left, 900, self._left)
        self.report.resumed_after = self.ledger.resumed_after(self.disrupted)
        self.created = load.created
        self.report.exports, self.report.repeated_requests = len(load.created), load.repeated_requests
        self.report.seconds = time.monotonic() - begun
        return self.report

    def _nothing_left(self) -> bool:
        """Whether every export has ended. Of the minutes over which lost jobs are searched for, most are left out."""
        if time.monotonic() > self.pauses_left_out_at + LEAVE_OUT_EVERY_SECONDS:
            self.portal.manage("shell", "-c", LEAVE_OUT_PAUSES)
            self.pauses_left_out_at = time.monotonic()
        return not self.ledger.open()

    def _wanted(self, each: int) -> list[tuple[int, str]]:
        wanted: list[tuple[int, str]] = []
        for provider, type_, part, remote_ids in TARGETS:
            for remote_id in remote_ids:
                count = max(1, round(each * part))
                projects = self._projects(provider, remote_id, count)
                wanted += [(projects[number % len(projects)], type_) for number in range(count)]
        return wanted

    def _projects(self, provider: str, remote_id: str, count: int) -> list[int]:
        # It allows a credential five exports a minute, and the portal keeps to that.
        credentials = 1 + count // 8 if provider == ARCHIVES else 1
        made = [self.portal.project(provider, self.sandbox.origin(provider), remote_id) for _ in range(credentials)]
        self.projects |= dict.fromkeys(made, (provider, remote_id))
        return made

    def _left(self) -> str:
        columns = "id, status, step, next_step_at, held_until, last_error_code, wait_note"
        return str(self.ledger.rows(f"SELECT {columns} FROM exports_export WHERE next_step_at IS NOT NULL"))  # noqa: S608

    def _next_disruption(self) -> str:
        if not self.pending_disruptions:
            possible = (*DISRUPTIONS, "unplug") if self.line else DISRUPTIONS
            self.pending_disruptions = self.rng.sample(possible, len(possible))
        return self.pending_disruptions.pop()

    def _disrupt(self, disruption: str) -> None:
        actions: dict[str, Callable[[], bool]] = {
            "worker": self._kill_worker,
            "beat": self._kill_beat,
            "web": self._kill_web,
            "broker": self._flush,
            "cut": self._cut,
            "crash": self._crash,
            "crowd": self._crowd,
            "freeze": self._freeze,
            "unplug": self._unplug,
        }
        if actions[disruption]():
            self.report.disruptions[disruption] += 1
            self.disrupted.append((disruption, time.time()))

    def _start_worker(self, queues: str) -> Process:
        options = ("-Q", self.portal.queue_names(queues)) if queues else ()
        return self.portal.start_worker(*options, slots=4)

    def _kill_worker(self) -> bool:
        # The worker that has run longest has surely finished its start.
        victim, queues = self.workers.pop(0)
        alive, leased = victim.poll() is None, self.ledger.leased()
        self.portal.kill(victim)
        self.workers.append((self._start_worker(queues), queues))
        self.report.steps_under_way += leased if alive else 0
        return alive

    def _freeze(self) -> bool:
        """Suspends a worker while it works, and starts another in its place."""
        victim, queues = self.workers.pop(0)
        os.killpg(victim.pid, signal.SIGSTOP)
        self.frozen.append((victim, time.monotonic()))
        self.workers.append((self._start_worker(queues), queues))
        return True

    def _thaw(self, after: float) -> None:
        """Resumes workers that were suspended for `after` seconds, and asks them to stop two seconds later."""
        for victim, since in list(self.frozen):
            if time.monotonic() > since + after:
                self.frozen.remove((victim, since))
                os.killpg(victim.pid, signal.SIGCONT)
                time.sleep(2.0)
                os.killpg(victim.pid, signal.SIGTERM)
                victim.wait(60)
                self.report.disruptions["wake and stop"] += 1

    def _kill_beat(self) -> bool:
        beat = self.portal.beat
        alive = beat is not None and beat.poll() is None
        if beat is not None:
            self.portal.kill(beat)
        self.portal.beat = self.portal.start_beat()
        return alive

    def _kill_web(self) -> bool:
        alive = self.portal.web is not None and self.portal.web.poll() is None
        self.portal.restart_web()
        return alive

    def _flush(self) -> bool:
        """Deletes every message of this portal: in Redis, in RabbitMQ, or in the embedded broker's folder."""
        address = self.portal.environment.get("CELERY_BROKER_URL", "")
        if address:
            empty_queues(address, self.portal.environment[PREFIX_VARIABLE])
        else:
            for path in (self.portal.folder / "var" / "broker").rglob("*"):
                if path.is_file():
                    path.unlink(missing_ok=True)
        return True

    def _unplug(self) -> bool:
        """Cuts the line to the broker for a while."""
        if self.line is None:
            return False
        self.line.cut()
        time.sleep(UNPLUGGED_SECONDS)
        self.line.restore()
        return True

    def _cut(self) -> bool:
        """Ends every connection to the database, whatever it is used for."""
        if not self.ledger.address:
            return False
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.ledger.address) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return True
        return False

    def _crowd(self) -> bool:
        """Takes all of the database's free connections for a while."""
        if self.server is None or not self.ledger.address:
            return False
        with contextlib.ExitStack() as crowd:
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    crowd.enter_context(psycopg.connect(self.ledger.address, connect_timeout=5))
            time.sleep(CONNECTION_FLOOD_SECONDS)
        return True

    def _crash(self) -> bool:
        """Crashes the database's server and starts it again."""
        if self.server is None or not self.ledger.address:
            return False
        self.server.restart()
        return True
