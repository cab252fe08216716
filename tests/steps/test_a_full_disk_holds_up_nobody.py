"""A download for which the disk has no room is dropped and tried later; small ones finish meanwhile."""

import gzip
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from exports import clock, states
from exports.models import Export
from exports.storage import download, files
from tests.helpers.cast import Cast
from tests.helpers.file_host import FileHost, run_file_host
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import make_due, request_export, run_to_end, take_step
from tests.helpers.stub_server import Reply

ROW = b"1;a@example.org;12,50\n"
LARGE = b"id;mail;total\n" + ROW * 400_000  # about 9 MB
# The length of what is unpacked is not said.
WITHOUT_LENGTH = Reply(200, gzip.compress(LARGE), {"Content-Type": "text/csv", "Content-Encoding": "gzip"})
WITH_LENGTH = Reply(200, LARGE, {"Content-Type": "text/csv"})
SMALL = Reply(200, b"id;mail\n1;a@b.c\n", {"Content-Type": "text/csv"})


class Disk:
    """A disk with so many bytes for parts, as `shutil.disk_usage` tells it."""

    def __init__(self, size: int) -> None:
        self.size = size

    def usage(self, path: Path) -> object:
        used = sum(one.stat().st_size for one in files.parts_dir().iterdir())
        return shutil._ntuple_diskusage(self.size, used, max(0, self.size - used))


@pytest.fixture
def host(cast: Cast, settings: Settings) -> Iterator[FileHost]:
    with run_file_host(cast, settings, "csv") as one:
        yield one


def start_fetch(host: FileHost, reply: Reply) -> Export:
    """Takes the first step of the download."""
    host.stub.on(host.file_route, reply)
    export = host.request()
    while export.step != states.FETCH:
        export = take_step(export)
    return take_step(export)


def finish_small(host: FileHost) -> Export:
    """Another export of the team, with a file of a few bytes."""
    host.stub.on("GET /v1/exports/8", Reply(body={**host.job().body, "id": 8, "url": f"{host.stub.origin}/small.csv"}))
    host.stub.on("GET /small.csv", SMALL)
    project = host.cast.project(TABLES, host.stub.origin)
    return run_to_end(request_export(project, host.cast.member, "orders", "csv", adopt="8"))


@pytest.mark.parametrize("reply", [WITH_LENGTH, WITHOUT_LENGTH], ids=["with length", "without length"])
def test_a_part_that_does_not_fit_goes_at_once_and_others_finish(
    host: FileHost, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", Disk(6_000_000).usage)
    monkeypatch.setattr(download, "SPACE_CHECK_BYTES", 1_000_000)
    export = start_fetch(host, reply)
    assert (export.status, export.last_error_code) == (states.PROCESSING, "storage")
    assert "no room" in export.wait_note
    assert "tried again later" in export.wait_note
    assert [path for path in files.parts_dir().iterdir() if path.suffix == ".part"] == []
    assert finish_small(host).status == states.SUCCEEDED


def test_no_byte_is_asked_for_until_there_is_room(host: FileHost, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(6_000_000)
    monkeypatch.setattr(shutil, "disk_usage", disk.usage)
    export = start_fetch(host, WITH_LENGTH)
    asked = len(host.stub.requests_to(host.file_route))
    for _ in range(3):
        export = take_step(export)
    assert len(host.stub.requests_to(host.file_route)) == asked
    disk.size = 400_000_000
    assert run_to_end(export).status == states.SUCCEEDED


def test_the_pauses_grow_and_the_deadline_says_storage(host: FileHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", Disk(6_000_000).usage)
    export = start_fetch(host, WITH_LENGTH)
    waits = []
    for _ in range(4):
        waits.append((export.next_step_at - clock.now()).total_seconds())
        export = take_step(export)
    assert waits == sorted(waits)
    assert waits[-1] > 90
    Export.objects.filter(pk=export.pk).update(deadline_at=clock.now())
    make_due()
    export = take_step(export)
    assert (export.status, export.error_code, export.error_action) == (states.FAILED, "storage", "us")


def test_a_file_that_the_system_refuses_to_grow_is_dropped(host: FileHost) -> None:
    """A limit on the size of a file refuses as a full disk does, in the middle of a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    export = host.request()
    host.stub.on(host.file_route, WITH_LENGTH)
    while export.step != states.FETCH:
        export = take_step(export)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, hard))
    try:
        export = take_step(export)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (export.status, export.last_error_code) == (states.PROCESSING, "storage")
    assert not [path for path in files.parts_dir().iterdir() if path.suffix == ".part"]
    assert run_to_end(export).status == states.SUCCEEDED


@pytest.fixture
def small_disk(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """A disk of 8 MB in memory. Only root may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount")
    if not mounted or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk]).returncode:
        pytest.skip("a small disk cannot be mounted here")
    settings.DATA_DIR = disk
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.parametrize("reply", [WITH_LENGTH, WITHOUT_LENGTH], ids=["with length", "without length"])
def test_a_real_disk_that_is_full_lets_a_small_file_finish(small_disk: Path, host: FileHost, reply: Reply) -> None:
    export = start_fetch(host, reply)
    assert (export.status, export.last_error_code) == (states.PROCESSING, "storage")
    assert shutil.disk_usage(small_disk).used < 1_000_000
    assert finish_small(host).status == states.SUCCEEDED
