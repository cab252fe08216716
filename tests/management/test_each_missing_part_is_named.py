"""What is broken is named by `doctor`, and by `/readyz` where it concerns that: one part after the other, real ones.

A process of its own is asked for both each time. Workers and beats that run and go are in tests/services.
"""

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exports.storage.bucket.bucket import Bucket
from tests.helpers.object_store import READER, ObjectStore
from tests.helpers.prepared_portal import copy_prepared, fill_database
from tests.helpers.processes import ROOT, environment
from tests.helpers.roles import ARCHIVES
from tests.helpers.servers import DATABASE, database_at
from tests.helpers.stub_server import free_port

pytestmark = pytest.mark.slow(seconds=8)
# `BEFORE` stands for what makes this process unlike others.
SCRIPT = """
import json, time, django
django.setup()
BEFORE
from django.core.management import call_command
from django.test import Client
began = time.monotonic()
answer = Client().get("/readyz", headers={"Host": "127.0.0.1"})
print(json.dumps([answer.status_code, time.monotonic() - began, answer.json()]), flush=True)
call_command("doctor")
"""
# readyz waits five seconds; the rest is for a busy machine.
BOUNDED_SECONDS = 15
NEEDED = {"database", "migrations", "keys", "storage"}


@dataclass(frozen=True)
class Findings:
    """What both said. `ready`, `doctor`: whether each check is well, and its words. `seconds`: how long readyz took."""

    status: int
    seconds: float
    ready: dict[str, tuple[bool, str]]
    doctor: dict[str, tuple[bool, str]]

    def failed(self) -> set[str]:
        """What doctor calls failed, but for worker and beat, of which there are none here."""
        return {name for name, (ok, _) in self.doctor.items() if not ok} - {"worker", "beat"}


def ask(data: Path, before: str = "", **variables: str) -> Findings:
    """Asks a process with this data directory and these variables."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("BEFORE", before)],
        env=environment(DATA_DIR=str(data), DJANGO_SETTINGS_MODULE="portal.settings", HOME=str(data), **variables),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.stdout, done.stderr
    first, _, rest = done.stdout.partition("\n")
    status, seconds, body = json.loads(first)
    lines = re.findall(r"^(ok|FAIL) +(\w+) +(.+)$", rest, re.MULTILINE)
    ready = {name: (one["ok"], one["detail"]) for name, one in body["checks"].items()}
    assert body["ready"] == all(ok for name, (ok, _) in ready.items() if name in NEEDED)
    return Findings(status, seconds, ready, {name: (mark == "ok", words) for mark, name, words in lines})


@pytest.fixture
def data(tmp_path: Path, prepared: Path) -> Path:
    copy_prepared(prepared, tmp_path / "data")
    return tmp_path / "data"


@contextmanager
def silent_server(greeting: bytes = b"") -> Iterator[int]:
    """A port where connections are taken, and nothing more is said than this."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=50)) as server:
        kept: list[socket.socket] = []

        def serve() -> None:
            try:
                while True:
                    connection, _ = server.accept()
                    kept.append(connection)
                    connection.sendall(greeting)
            except OSError:
                pass

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for connection in kept:
                connection.close()


def assert_names(found: Findings, name: str, words: str) -> None:
    """Both name this one part, and nothing else but what hangs on it."""
    assert not found.doctor[name][0]
    assert words in found.doctor[name][1]
    if name in found.ready:
        assert not found.ready[name][0]
        assert words in found.ready[name][1]
    assert found.status == (503 if name in NEEDED else 200)


def test_with_nothing_broken_only_workers_and_beats_are_missing(data: Path) -> None:
    found = ask(data)
    assert found.failed() == set()
    assert found.status == 200
    for name in ("worker", "beat"):
        assert "None has shown up lately" in found.ready[name][1] == found.doctor[name][1]


def test_a_database_that_is_down(data: Path) -> None:
    found = ask(data, DATABASE_URL=f"postgres://me:hunter2@127.0.0.1:{free_port()}/portal")
    assert_names(found, "database", "check that it runs, and DATABASE_URL")
    assert "hunter2" not in str(found)


def test_a_database_that_takes_connections_and_hangs(data: Path) -> None:
    with silent_server() as port:
        found = ask(data, DATABASE_URL=f"postgres://me:hunter2@127.0.0.1:{port}/portal")
    assert found.status == 503
    assert not found.ready["database"][0]
    assert found.seconds < BOUNDED_SECONDS
    assert not found.doctor["database"][0]


def test_a_database_that_is_not_migrated(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    assert_names(ask(tmp_path / "data"), "migrations", "migrations are not applied: run python manage.py up --prepare")


def test_a_broker_that_is_down(data: Path) -> None:
    found = ask(data, CELERY_BROKER_URL=f"redis://:hunter2@127.0.0.1:{free_port()}/0")
    assert_names(found, "broker", "check that it runs, and CELERY_BROKER_URL")
    assert found.failed() == {"broker"}
    assert "hunter2" not in str(found)


def test_a_broker_that_takes_connections_and_hangs(data: Path) -> None:
    with silent_server() as port:
        found = ask(data, CELERY_BROKER_URL=f"redis://127.0.0.1:{port}/0")
    assert found.seconds < BOUNDED_SECONDS
    assert not found.ready["broker"][0]
    assert not found.doctor["broker"][0]
    assert found.status == 200


def test_a_storage_that_is_read_only(data: Path) -> None:
    """The folder of files is one in which the kernel lets nobody make a file, root neither."""
    read_only = f"import pathlib; pathlib.Path({str(data / 'files')!r}).symlink_to('/sys')"
    if (data / "files").exists():
        (data / "files").rename(data / "before")
    found = ask(data, before=read_only)
    assert_names(found, "storage", "Files cannot be written below DATA_DIR")
    assert found.failed() == {"storage"}


def test_a_bucket_that_refuses(data: Path, bucket: Bucket, store: ObjectStore) -> None:
    reader = {**store.environment, "AWS_ACCESS_KEY_ID": READER.id, "AWS_SECRET_ACCESS_KEY": READER.secret}
    found = ask(data, STORAGE_URL=bucket.address.text, **reader)
    assert_names(found, "storage", "operators must grant them")
    assert READER.secret not in str(found)


def test_a_bucket_that_hangs(data: Path, bucket: Bucket, store: ObjectStore) -> None:
    with store.away():
        found = ask(data, STORAGE_URL=bucket.address.text, **store.environment)
    assert found.seconds < BOUNDED_SECONDS
    assert found.status == 503
    assert not found.ready["storage"][0]
    assert not found.doctor["storage"][0]


def test_a_key_that_opens_nothing(data: Path) -> None:
    seal_one = (
        "from exports.models import Credential, Team; team = Team.objects.create(name='T', slug='t');"
        f"Credential.objects.create(team=team, provider='{ARCHIVES}', name='one').save_secrets({{'token': 't'}})"
    )
    found = ask(data, before=seal_one)
    assert found.ready["keys"] == found.doctor["keys"] == (True, "every secret can be opened")
    found = ask(data, CREDENTIAL_KEYS="another key altogether")
    assert_names(found, "keys", "CREDENTIAL_KEYS")
    assert found.failed() == {"keys"}


def test_a_mail_server_that_refuses(data: Path) -> None:
    with silent_server(b"554 No service for you\r\n") as port:
        found = ask(data, EMAIL_URL=f"smtp://127.0.0.1:{port}")
    assert_names(found, "mail", "The mail server does not take us (554)")
    assert found.failed() == {"mail"}


@pytest.mark.services
@pytest.mark.parametrize(("seconds", "words"), [(-3600, "behind the database's"), (90, "ahead of the database's")])
def test_a_clock_that_is_off(data: Path, prepared: Path, seconds: int, words: str) -> None:
    moved = f"import datetime, time_machine; time_machine.travel(datetime.timedelta(seconds={seconds})).start()"
    with database_at(DATABASE) as address:
        fill_database(prepared, address)
        assert ask(data, DATABASE_URL=address).doctor["clock"] == (True, "agrees with the database's")
        found = ask(data, before=moved, DATABASE_URL=address)
    assert_names(found, "clock", words)
    assert found.failed() == {"clock"}


def test_a_disk_that_is_nearly_full(data: Path) -> None:
    """The disk is real, and how much of it counts as too little is moved to above what is free."""
    found = ask(data, before="from exports.metrics import disk; disk.MIN_FREE_BYTES = 10**18")
    assert_names(found, "disk", "MB are free below")
    assert found.failed() == {"disk"}


def test_a_check_that_hangs_is_not_begun_twice() -> None:
    from exports.metrics import health

    begun: list[int] = []
    goes_on = threading.Event()

    def hangs() -> str:
        begun.append(1)
        goes_on.wait(20)
        return "well"

    checks: dict[str, Any] = {"stuck": hangs}
    for _ in range(3):
        [result] = health.run_checks([checks], 0.1)
        assert not result.ok
        assert "No answer for" in result.detail
    assert len(begun) == 1
    goes_on.set()
    began = time.monotonic()
    while not health.run_checks([checks], 5)[0].ok and time.monotonic() < began + 5:
        time.sleep(0.05)
    assert health.run_checks([checks], 5)[0].ok
