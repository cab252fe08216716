"""A large file: fetched, hashed, verified and kept by a worker, beside curl with sha256sum after it or in a pipe."""

import contextlib
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from tests.bench import poll_load, seed_rows
from tests.bench.environment import ROUNDS
from tests.bench.file_server import make_zip
from tests.bench.process_usage import forget_peak, kilobytes, session_processes, session_seconds
from tests.bench.result import RATIO, Result, at_least, at_most, median, missing
from tests.bench.testbed import Testbed, open_testbed
from tests.helpers import certificates
from tests.helpers.installation import ROOT, wait_for
from tests.helpers.stub_server import free_port

ABOUT = (
    "A zip that lies at a local server (sendfile over http, OpenSSL over https): the worker's fetch step, from due to"
    " succeeded, with hash, verification, fsync and rename; beside `curl -s -o f URL && sha256sum f`, one after the"
    " other, and `curl -s URL | tee f | sha256sum`, which uses several cores. The ratio is to the faster of the two."
    " Source and all copies lie in memory (/dev/shm) where there is room, else on disk. Memory: how much the worker's"
    " process that grew most used at its peak (VmHWM) over what it used before."
)
GIB: Final = 2**30
ONE_AFTER_THE_OTHER: Final = "curl, then sha256sum"
PIPED: Final = "curl, tee, sha256sum in a pipe"
COMMANDS: Final = {
    ONE_AFTER_THE_OTHER: "curl -sf {trust} -o {path} {url} && sha256sum {path}",
    PIPED: "set -o pipefail; curl -sf {trust} {url} | tee {path} | sha256sum",
}
# One slot stays free for the dispatcher.
SLOTS: Final = 2
MAX_SECONDS: Final = 1800.0


@dataclass
class Server:
    """Where the file is."""

    url: str
    ca: str


@contextlib.contextmanager
def serving(path: Path, folder: Path, *, tls: bool) -> Iterator[Server]:
    """The file server's process."""
    port, ca, certificate = free_port(), "", []
    if tls:
        authority, own = certificates.make_certificates(folder)
        ca, certificate = str(authority), [str(own)]
    arguments = [sys.executable, "-m", "tests.bench.file_server", str(path), str(port), *certificate]
    process = subprocess.Popen(arguments, cwd=ROOT)

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
    rounds = 2 if quick else ROUNDS
    results = [*_beside(size, rounds, tls=False), *_beside(size, rounds, tls=True)]
    if not quick:
        results += _beside(5 * GIB, rounds, tls=False)
    return results


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
    seeded = seed_rows.seed(here)
    port = server.url.split(":")[2].split("/")[0]
    here.portal.environment["PRIVATE_HOSTS"] += f",127.0.0.1:{port}"
    if server.ca:
        here.portal.environment["BENCH_CA"] = server.ca
    processes = poll_load.start_processes(here, SLOTS)
    sessions = [node.pid for node in processes.nodes]
    # What the first fetches of a process load is no growth.
    for _ in range(4 * SLOTS):
        fetch_file(seeded, f"{here.stand_in.origin}/files/1.zip")
    before = {pid: kilobytes(pid, "VmRSS") for session in sessions for pid in session_processes(session)}
    for pid in before:
        forget_peak(pid)
    # Memory that this machine has not handed out before costs the first who writes to it.
    _run_command(ONE_AFTER_THE_OTHER, here.folder / "theirs.zip", server)
    spent: dict[str, list[float]] = {}
    used: dict[str, list[float]] = {}
    for _ in range(rounds):
        seconds_before = session_seconds(sessions)
        spent.setdefault("portal", []).append(fetch_file(seeded, server.url))
        used.setdefault("portal", []).append(session_seconds(sessions) - seconds_before)
        _forget_files(here)
        for command in COMMANDS:
            spent_here, used_here = _run_command(command, here.folder / "theirs.zip", server)
            spent.setdefault(command, []).append(spent_here)
            used.setdefault(command, []).append(used_here)
    growth = {pid: kilobytes(pid, "VmHWM") - kb for pid, kb in before.items()}
    grown = max(growth, key=lambda pid: growth[pid])
    processes.stop()
    where = "in memory" if str(here.folder).startswith("/dev/shm") else "on disk"
    faster = min(COMMANDS, key=lambda command: median(spent[command]))
    ratio = median(theirs / ours for theirs, ours in zip(spent[faster], spent["portal"], strict=True))
    return [
        *(
            Result(
                f"{name}, {way}", size / median(seconds) / 1e6, "MB/s", note=f"{median(used[way]):.1f} CPU s, {where}"
            )
            for way, seconds in spent.items()
        ),
        at_least(f"{name}, portal / the faster of curl's", ratio, 0.8 if server.ca else 1.0, RATIO, faster),
        at_most(
            f"{name}, memory growth of a process", growth[grown] / 1024, 64, "MB", f"from {before[grown] / 1024:.0f} MB"
        ),
    ]


def fetch_file(seeded: Any, link: str, watch: Callable[[], object] = lambda: None) -> float:
    """Seconds from due to succeeded. `watch` is called again and again meanwhile."""
    from django.utils import timezone

    from exports.models import Export

    now = timezone.now()
    export = Export.objects.create(
        team=seeded.team, project=seeded.projects[0], user=seeded.user, trigger="person", type="archive", format="zip",
        status="processing", step="fetch", remote_id="1", submitted_at=now, started_at=now,
        next_step_at=now + timedelta(days=1), deadline_at=now + timedelta(days=1),
    )  # fmt: skip
    began = time.monotonic()
    Export.objects.filter(pk=export.pk).update(encrypted_link=export.encrypt_link(link), next_step_at=timezone.now())

    def ended() -> bool:
        watch()
        export.refresh_from_db()
        return not export.is_open

    wait_for(ended, MAX_SECONDS, lambda: f"{export.status} {export.step} {export.wait_note}")
    assert export.status == "succeeded", f"{export.error_code}: {export.error_message}"
    assert export.started_at is not None
    return time.monotonic() - began


def _forget_files(here: Testbed) -> None:
    for path in (here.folder / "var" / "files").glob("*/*/*"):
        path.unlink()


def _run_command(command: str, path: Path, server: Server) -> tuple[float, float]:
    """Seconds and processor seconds of one of COMMANDS."""
    trust = f"--cacert {server.ca}" if server.ca else ""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    line = COMMANDS[command].format(trust=trust, path=path, url=server.url)
    subprocess.run(["bash", "-c", line], check=True, stdout=subprocess.DEVNULL)
    spent = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    path.unlink()
    return spent, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
