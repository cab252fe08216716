"""A storm over a whole portal: processes killed, messages flushed, connections dropped, a provider that misbehaves.

What comes out is checked against the stand-ins' ledger: every export ended, none was asked for twice, histories have no
gap, files are whole, nothing is left over. Everything random comes from one seed.
"""

import contextlib
import hashlib
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis
import requests

from exports.sandbox.server import Sandbox
from tests.services.installation import Installation, wait_for

# (provider, type, projects that behave): as many exports on each as the storm is asked for.
TARGETS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("playcanvas", "archive", ("100001", "100003", "100005")),
    ("toloka", "archive", ("10", "11", "12")),
    ("ulule", "orders", ("4001", "4002", "4003")),
    ("aistudios", "video", ("65fa6b07dca2e367461a2925", "65fa6b07dca2e367461a2926")),
)
# What goes wrong at the provider, and in which share of the calls.
WEATHER: tuple[dict[str, Any], ...] = (
    {"on": "poll", "fault": "status", "status": 500, "probability": 0.06},
    {"on": "poll", "fault": "garbage", "probability": 0.04},
    {"on": "poll", "fault": "cut", "probability": 0.06},
    {"on": "poll", "fault": "429", "retry_after": 1, "probability": 0.02},
    {"on": "list", "fault": "status", "status": 503, "probability": 0.05},
    {"on": "submit", "fault": "lost_answer", "probability": 0.1},
    {"on": "submit", "fault": "status", "status": 500, "probability": 0.05},
    {"on": "submit", "fault": "cut", "probability": 0.05},
    {"on": "file", "fault": "cut_once", "probability": 0.1},
    {"on": "file", "fault": "status", "status": 503, "probability": 0.1},
)


@dataclass
class Report:
    """What happened: deeds of the storm, and how the exports ended."""

    seed: int
    deeds: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    exports: int = 0
    seconds: float = 0.0


class Storm:
    """One run over one installation."""

    def __init__(self, portal: Installation, box: Sandbox, seed: int, each: int) -> None:
        self.portal, self.box, self.each = portal, box, each
        self.dice = random.Random(seed)
        self.report = Report(seed)
        self.asked: dict[int, tuple[str, str]] = {}
        self.workers = [portal.start_worker() for _ in range(2)]

    def rage(self, deeds: int, pause: float) -> Report:
        """Asks for everything, does so many deeds, and waits until all has ended."""
        begun = time.monotonic()
        for weather in WEATHER:
            self.box.fault(provider="*", project="*", seed=self.dice.randrange(10**6), **weather)
        self._ask()
        for _ in range(deeds):
            time.sleep(self.dice.uniform(0.5, 1.5) * pause)
            self._do(self.dice.choice(["worker", "worker", "worker", "web", "broker", "database"]))
        self.report.faults = sum(fault["fired"] for fault in self.box.faults())
        self.box.clear_faults()
        wait_for(lambda: not self._open(), 240, lambda: str([self.portal.export(one) for one in self._open()]))
        self.report.seconds = time.monotonic() - begun
        return self.report

    def _ask(self) -> None:
        for provider, type_, remote_ids in TARGETS:
            for remote_id in remote_ids:
                project = self.portal.project(provider, self.box.origin(provider), remote_id)
                for _ in range(1 if provider == "aistudios" else self.each):
                    number = self.portal.ask(project, type_, allow_twin=True)
                    self.asked[number] = (provider, remote_id)
        self.report.exports = len(self.asked)

    def _open(self) -> list[int]:
        rows: list[int] = []
        for status in ("waiting", "processing"):
            with contextlib.suppress(requests.RequestException):
                found = self.portal.api("GET", f"/exports?status={status}&limit=100").json()
                rows += [row["id"] for row in found["exports"]]
                continue
            rows.append(0)  # the web process is not back yet
        return rows

    def _do(self, deed: str) -> None:
        if deed == "worker":
            victim = self.workers.pop(self.dice.randrange(len(self.workers)))
            self.portal.kill(victim)
            self.workers.append(self.portal.start_worker())
        elif deed == "web":
            self.portal.restart_web()
        elif deed == "broker":
            self._flush()
        elif not self._drop():
            return
        self.report.deeds[deed] += 1

    def _flush(self) -> None:
        """Loses every message: Redis is emptied, the embedded broker's folder too; RabbitMQ's queue is purged."""
        address = self.portal.environment.get("CELERY_BROKER_URL", "")
        if address.startswith("redis"):
            redis.Redis.from_url(address).flushdb()
        elif address:
            self.portal.run("celery", "-A", "portal", "purge", "-f")
        else:
            for path in (self.portal.folder / "var" / "broker").rglob("*"):
                if path.is_file():
                    path.unlink(missing_ok=True)

    def _drop(self) -> bool:
        """Cuts every connection to the database, whatever it is in the middle of."""
        address = self.portal.environment.get("DATABASE_URL", "")
        if not address:
            return False
        with psycopg.connect(address.replace("postgres://", "postgresql://"), autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        return True

    def check(self) -> list[str]:
        """What is wrong afterwards; nothing should be."""
        wrong: list[str] = []
        made = {name: dict(projects) for name, projects in self.box.ledger()["jobs"].items()}
        for number in self.asked:
            export = self.portal.export(number)
            self.report.ended[export["error"]["code"] if export["error"] else export["status"]] += 1
            wrong += self._check_one(number, export)
        for (provider, remote_id), count in Counter(self.asked.values()).items():
            if made.get(provider, {}).get(remote_id, 0) > count:
                wrong.append(f"{provider} {remote_id}: {made[provider][remote_id]} jobs for {count} exports")
        left = [path.name for path in (self.portal.folder / "var" / "parts").glob("*")]
        kept = list((self.portal.folder / "var" / "files").glob("*/*/*"))
        files = sum(1 for number in self.asked if self.portal.export(number)["file"])
        if left or len(kept) != files:
            wrong.append(f"left over: {left}, {len(kept)} files for {files} exports")
        return wrong

    def _check_one(self, number: int, export: dict[str, Any]) -> list[str]:
        wrong = []
        provider = self.asked[number][0]
        good = export["status"] == "succeeded"
        # Where nothing can be looked up, a lost answer is a person's to decide.
        fair = provider in ("playcanvas", "aistudios") and (export["error"] or {}).get("code") == "unconfirmed"
        if not (good or fair):
            wrong.append(f"{number} ({provider}): {export['status']} {export['error']}")
        history = self.portal.api("GET", f"/exports/{number}/history").json()["history"]
        froms = [row["from"] for row in history]
        if froms != [None, *[row["to"] for row in history[:-1]]]:
            wrong.append(f"{number}: a gap in the history {history}")
        if good and export["format"] != "none":
            paths: list[Path] = list((self.portal.folder / "var" / "files").glob(f"*/{number}/*"))
            hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
            if hashes != [export["file"]["sha256"]]:
                wrong.append(f"{number}: files {paths} with {hashes}")
        return wrong
