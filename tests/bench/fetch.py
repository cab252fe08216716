"""A large file: fetched, hashed, verified and kept by a worker, beside `curl -o f && sha256sum f`."""

import contextlib
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from tests.bench import poll_load, seed_rows
from tests.bench.environment import ROUNDS
from tests.bench.file_server import make_zip
from tests.bench.polls import QUICK
from tests.bench.process_usage import forget_peak, kilobytes, seconds
from tests.bench.result import RATIO, Result, at_least, at_most, median, missing
from tests.bench.testbed import Testbed, open_testbed
from tests.helpers import certificates
from tests.helpers.installation import ROOT, wait_for
from tests.helpers.stub_server import free_port

ABOUT = (
    "A zip that lies at a local server (sendfile over http, OpenSSL over https): the worker's fetch step, from due to"
    " succeeded, with hash, verification, fsync and rename, beside `curl -s -o f URL && sha256sum f`. Source and both"
    " copies lie in memory (/dev/shm) where there is room, else on disk. Memory: the worker's peak (VmHWM) over what it"
    " used before."
)
GIB: Final = 2**30
MOST_SECONDS: Final = 600.0


@dataclass
class Server:
    """Where the file is."""

    url: str
    ca: str


@contextlib.contextmanager
def serving(path: Path, folder: Path, *, tls: bool) -> Iterator[Server]:
    """The file server's process."""
    port, ca, more = free_port(), "", []
    if tls:
        authority, own = certificates.make_certificates(folder)
        ca, more = str(authority), [str(own)]
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.file_server", str(path), str(port), *more], cwd=ROOT)

    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    try:
        wait_for(listens, 10, "the file server")
        yield Server(f"{'https' if tls else 'http'}://127.0.0.1:{port}/big.zip", ca)
    finally:
        process.kill()
        process.wait(10)


def run(quick: bool) -> list[Result]:
    """Plain and secure at one size; at full size also a larger one, where there is room for it."""
    size = GIB // 8 if quick else 2 * GIB
    made = [*_beside(size, 2 if quick else ROUNDS, tls=False), *_beside(size, 2 if quick else ROUNDS, tls=True)]
    if not quick:
        made += _beside(5 * GIB, ROUNDS, tls=False)
    return made


def _beside(size: int, rounds: int, *, tls: bool) -> list[Result]:
    name = f"{size / GIB:.3g} GiB, {'https' if tls else 'http'}"
    with open_testbed(size=size) as here:
        room = subprocess.run(["df", "--output=avail", "-B1", str(here.folder)], capture_output=True, check=True)
        if int(room.stdout.split()[-1]) < 3.5 * size:
            return [missing(name, "there is no room for three copies")]
        path = here.folder / "source.zip"
        make_zip(path, size)
        with serving(path, here.folder, tls=tls) as server:
            return _rounds(here, server, name, path.stat().st_size, rounds)


def _rounds(here: Testbed, server: Server, name: str, size: int, rounds: int) -> list[Result]:
    made = seed_rows.seed(here)
    port = server.url.split(":")[2].split("/")[0]
    here.portal.environment["PRIVATE_HOSTS"] += f",127.0.0.1:{port}"
    if server.ca:
        here.portal.environment["BENCH_CA"] = server.ca
    worker = poll_load.start_worker(here, QUICK)
    # What every first fetch loads is no growth.
    _fetch(made, f"{here.stand_in.origin}/files/1.zip")
    before = kilobytes(worker.pid, "VmRSS")
    forget_peak(worker.pid)
    # Memory that this machine has not handed out before costs the first who writes to it.
    _curl(here.folder / "theirs.zip", server)
    ours, theirs, our_cpu, their_cpu = [], [], [], []
    for _ in range(rounds):
        used = seconds(worker.pid)
        ours.append(_fetch(made, server.url))
        our_cpu.append(seconds(worker.pid) - used)
        _forget_files(here)
        spent, cpu = _curl(here.folder / "theirs.zip", server)
        theirs.append(spent)
        their_cpu.append(cpu)
    grown = (kilobytes(worker.pid, "VmHWM") - before) / 1024
    where = "in memory" if str(here.folder).startswith("/dev/shm") else "on disk"
    limit = 0.8 if server.ca else 1.0
    ratio = median(a / b for a, b in zip(theirs, ours, strict=True))
    return [
        Result(f"{name}, portal", size / median(ours) / 1e6, "MB/s", note=f"{median(our_cpu):.1f} CPU s, {where}"),
        Result(f"{name}, curl, sha256sum", size / median(theirs) / 1e6, "MB/s", note=f"{median(their_cpu):.1f} CPU s"),
        at_least(f"{name}, portal / curl", ratio, limit, RATIO),
        at_most(f"{name}, worker's memory growth", grown, 64, "MB", f"from {before / 1024:.0f} MB"),
    ]


def _fetch(made: Any, link: str) -> float:
    """Seconds from due to succeeded."""
    from django.utils import timezone

    from exports.models import Export

    now = timezone.now()
    export = Export.objects.create(
        team=made.team, project=made.projects[0], user=made.user, trigger="person", type="archive", format="zip",
        status="processing", step="fetch", remote_id="1", submitted_at=now, started_at=now,
        next_step_at=now + timedelta(days=1), deadline_at=now + timedelta(days=1),
    )  # fmt: skip
    began = time.monotonic()
    Export.objects.filter(pk=export.pk).update(encrypted_link=export.encrypt_link(link), next_step_at=timezone.now())

    def ended() -> bool:
        export.refresh_from_db()
        return not export.is_open

    wait_for(ended, MOST_SECONDS, lambda: f"{export.status} {export.step} {export.wait_note}")
    assert export.status == "succeeded", f"{export.error_code}: {export.error_message}"
    assert export.started_at is not None
    return time.monotonic() - began


def _forget_files(here: Testbed) -> None:
    for path in (here.folder / "var" / "files").glob("*/*/*"):
        path.unlink()


def _curl(path: Path, server: Server) -> tuple[float, float]:
    """Seconds and processor seconds."""
    trust = f"--cacert {server.ca}" if server.ca else ""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    command = f"curl -sf {trust} -o {path} {server.url} && sha256sum {path}"
    subprocess.run(["sh", "-c", command], check=True, stdout=subprocess.DEVNULL)
    spent = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    path.unlink()
    return spent, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
