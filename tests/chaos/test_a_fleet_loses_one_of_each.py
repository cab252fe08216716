"""Two web processes, three workers and two beats on hosts apart, whose files are in a bucket, lose one of each.

PostgreSQL, Redis and an S3 server are all they share. Meanwhile the bucket is away for 20 s and the database crashes.
More exports: FLEET_EXPORTS=60.
"""

import base64
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from exports.sandbox.server import Sandbox
from exports.storage.bucket.bucket import Bucket
from tests.chaos.postgres_server import PostgresServer
from tests.chaos.storm import APART
from tests.helpers.installation import Installation, Process, installation, wait_for
from tests.helpers.object_store import ObjectStore, names_in, uploads_in
from tests.helpers.roles import ARCHIVES, TABLES, VIDEOS
from tests.helpers.servers import DATABASE, servers_environment

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

EXPORTS: Final = int(os.environ.get("FLEET_EXPORTS", "18"))
AWAY_SECONDS: Final = 20.0
WANTED: Final = (
    (TABLES, "orders", "4001"),
    (ARCHIVES, "archive", "100001"),
    (VIDEOS, "video", "65fa6b07dca2e367461a2925"),
)
SLOTS: Final = 4


class Fleet:
    """Hosts with a data folder each: two for web, one for each kind of worker, of which two have a beat."""

    def __init__(self, first: Installation, folder: Path, private: str) -> None:
        others = [Installation(folder / f"host{number}", private, **first.environment) for number in range(1, 5)]
        self.hosts = [first, *others]
        for host in others:
            host.folder.mkdir()
            host.environment["DATA_DIR"] = str(host.folder / "var")
            host.token = first.token
        self.webs, self.workers = self.hosts[:2], self.hosts[2:]
        self.processes: dict[Path, Process] = {}

    def start(self) -> None:
        """Starts every part."""
        for web in self.webs:
            web.start_web()
        # A worker is started with a beat unless its host has one; there are to be two.
        self.workers[0].beat, self.workers[1].beat = (host.start_beat() for host in self.workers[:2])
        self.workers[2].beat = self.workers[1].beat
        for host, queues in zip(self.workers, APART, strict=True):
            self.start_worker(host, queues)

    def start_worker(self, host: Installation, queues: str) -> None:
        """A worker of these queues."""
        self.processes[host.folder] = host.start_worker("-Q", host.queue_names(queues), slots=SLOTS)

    def lose_one_of_each(self) -> None:
        """kill -9 of a web process, of each worker and of a beat; another takes the place of each."""
        self.webs[0].restart_web()
        for host, queues in zip(self.workers, APART, strict=True):
            host.kill(self.processes[host.folder])
            self.start_worker(host, queues)
        beat = self.workers[0].beat
        assert beat is not None
        self.workers[0].kill(beat)
        self.workers[0].beat = self.workers[0].start_beat()

    def files(self) -> list[Path]:
        """What any host keeps of files on its own disk."""
        found = [path for host in self.hosts for kept in ("files", "parts") for path in
                 (host.folder / "var" / kept).rglob("*")]  # fmt: skip
        return [path for path in found if path.is_file()]

    def stop(self) -> None:
        for host in self.hosts[1:]:
            host.stop()


@pytest.fixture
def fleet(
    tmp_path: Path,
    own_sandbox: Sandbox,
    own_postgres: PostgresServer | None,
    prepared: Path,
    bucket: Bucket,
    store: ObjectStore,
) -> Iterator[Fleet]:
    private = f"127.0.0.1:{own_sandbox.port}"
    keys = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "CREDENTIAL_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
    (tmp_path / "host0").mkdir()
    variables = {**store.environment, **keys, "STORAGE_URL": bucket.address.text}
    with (
        servers_environment("redis", own_postgres.address() if own_postgres else DATABASE) as environment,
        installation(tmp_path / "host0", private, prepared, **environment, **variables) as first,
    ):
        if own_postgres:
            own_postgres.checkpoint()
        fleet = Fleet(first, tmp_path, private)
        try:
            fleet.start()
            yield fleet
        finally:
            fleet.stop()


def test_every_export_ends_right_and_was_requested_once(
    fleet: Fleet, own_sandbox: Sandbox, own_postgres: PostgresServer | None, bucket: Bucket, store: ObjectStore
) -> None:
    own_sandbox.settings(file_bytes=3_000_000)
    for provider, _, project in WANTED:
        own_sandbox.fault(provider=provider, project=project, on="file", fault="drip", seconds=15, times=2)
    web, other = fleet.webs
    projects = [web.project(provider, own_sandbox.origin(provider), project) for provider, _, project in WANTED]

    asked: list[int] = []

    def ask() -> None:
        """A third of the exports, of each project in turn, through both web processes."""
        for _ in range(EXPORTS // 3):
            at = len(asked)
            asked.append(fleet.webs[at % 2].ask(projects[at % 3], WANTED[at % 3][1], allow_twin=True))

    ask()
    wait_for(lambda: any(name.startswith("parts/") for name in names_in(bucket)), 120, web.logs)
    fleet.lose_one_of_each()
    ask()
    with store.away():
        time.sleep(AWAY_SECONDS)
    ask()
    if own_postgres:
        own_postgres.restart()

    ended = [other.wait_until_ended(number, 400) for number in asked]
    assert {export["status"] for export in ended} == {"succeeded"}, [export["error"] for export in ended]
    for index, (provider, _, project) in enumerate(WANTED):
        assert own_sandbox.jobs(provider, project) == len(asked[index::3])
    for number, export in zip(asked, ended, strict=True):
        answer = fleet.webs[number % 2].api("GET", f"/exports/{number}/file")
        assert (answer.status_code, len(answer.content)) == (200, export["file"]["size"]), answer.text[:500]
        assert hashlib.sha256(answer.content).hexdigest() == export["file"]["sha256"]
    assert uploads_in(bucket) == []
    wait_for(lambda: len(names_in(bucket)) == len(asked), 60, lambda: str(names_in(bucket)))
    assert fleet.files() == []
