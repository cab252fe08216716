"""A large file that a worker fetches into a bucket, beside curl and then obstore's own upload of what curl got."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from tests.bench import poll_load, seed_rows
from tests.bench.environment import ROUNDS
from tests.bench.fetch import GIB, SLOTS, Server, fetch_file, serving
from tests.bench.file_server import make_zip
from tests.bench.process_usage import forget_peak, kilobytes, session_processes
from tests.bench.result import RATIO, Result, at_least, at_most, median, missing
from tests.bench.testbed import Testbed, open_testbed
from tests.helpers.object_store import REGION, ObjectStore, object_store

ABOUT = (
    "A zip that lies at a local server: the worker's fetch step into a bucket of SeaweedFS on this machine, from due to"
    " succeeded, with hash and verification, which reads the archive back; beside `curl -s -o f URL` and then"
    " `obstore.put` of that file into the same bucket, with its own settings. Memory: how much the process that grew"
    " most used at its peak (VmHWM) over what it used before. Local: the largest file in the portal's folder meanwhile."
)
UPLOAD: Final = """
import sys, pathlib, obstore
from obstore.store import S3Store
bucket, endpoint, region, path = sys.argv[1:]
store = S3Store(bucket, endpoint=endpoint, region=region, client_options={"allow_http": True})
obstore.put(store, "theirs", pathlib.Path(path))
"""


def run(quick: bool) -> list[Result]:
    """One size, in as many rounds as there is room and patience for."""
    size, rounds = (GIB // 8, 2) if quick else (5 * GIB, max(1, ROUNDS - 2))
    name = f"{size / GIB:.3g} GiB"
    with open_testbed(size=size) as here, tempfile.TemporaryDirectory(prefix="bench-bucket-") as folder:
        room = subprocess.run(["df", "--output=avail", "-B1", folder], capture_output=True, check=True)
        if int(room.stdout.split()[-1]) < (2 * rounds + 2) * size:
            return [missing(name, "there is no room for the copies")]
        path = here.folder / "source.zip"
        make_zip(path, size)
        with (
            object_store(Path(folder), volume_megabytes=2048) as store,
            serving(path, here.folder, tls=False) as server,
        ):
            return _rounds(here, store, server, name, path.stat().st_size, rounds)


def _rounds(here: Testbed, store: ObjectStore, server: Server, name: str, size: int, rounds: int) -> list[Result]:
    seeded = seed_rows.seed(here)
    url = store.make_bucket()
    here.portal.environment["PRIVATE_HOSTS"] += f",127.0.0.1:{server.url.split(':')[2].split('/')[0]}"
    here.portal.environment.update(store.environment, STORAGE_URL=url)
    processes = poll_load.start_processes(here, SLOTS)
    for _ in range(4 * SLOTS):  # What the first fetches of a process load is no growth.
        fetch_file(seeded, f"{here.stand_in.origin}/files/1.zip")
    sessions = [node.pid for node in processes.nodes]
    before = {pid: kilobytes(pid, "VmRSS") for session in sessions for pid in session_processes(session)}
    for pid in before:
        forget_peak(pid)
    ours: list[float] = []
    theirs: list[float] = []
    local: list[int] = []
    for _ in range(rounds):
        ours.append(fetch_file(seeded, server.url, lambda: local.append(_largest_file(here.folder / "var"))))
        theirs.append(_curl_and_upload(here.folder / "theirs.zip", server, store, url))
    growth = {pid: kilobytes(pid, "VmHWM") - kb for pid, kb in before.items()}
    grown = max(growth, key=lambda pid: growth[pid])
    processes.stop()
    ratio = median(their / our for their, our in zip(theirs, ours, strict=True))
    return [
        Result(f"{name}, portal", size / median(ours) / 1e6, "MB/s"),
        Result(f"{name}, curl, then obstore", size / median(theirs) / 1e6, "MB/s"),
        at_least(f"{name}, portal / curl, then obstore", ratio, 0.8, RATIO),
        at_most(
            f"{name}, memory growth of a process", growth[grown] / 1024, 64, "MB", f"from {before[grown] / 1024:.0f} MB"
        ),
        at_most(f"{name}, local", max(local, default=0) / 1e6, 1, "MB"),
        at_most(f"{name}, SHA-256 is another", float(not _is_same(seeded, here.folder / "source.zip")), 0),
    ]


def _curl_and_upload(path: Path, server: Server, store: ObjectStore, url: str) -> float:
    """Seconds of both, one after the other."""
    began = time.monotonic()
    subprocess.run(["curl", "-sf", "-o", str(path), server.url], check=True)
    bucket = url.removeprefix("s3://").partition("/")[0]
    command = [sys.executable, "-c", UPLOAD, bucket, store.origin, REGION, str(path)]
    subprocess.run(command, check=True, env=store.environment)
    spent = time.monotonic() - began
    path.unlink()
    return spent


def _largest_file(folder: Path) -> int:
    """Bytes of the largest file below the portal's folder, the broker's and the database's aside."""
    sizes = [0]
    for place in ("files", "parts"):
        sizes += [path.stat().st_size for path in (folder / place).rglob("*") if path.is_file()]
    return max(sizes)


def _is_same(seeded: Any, source: Path) -> bool:
    """Whether the last file's hash is that of the source, as sha256sum says it."""
    from exports.models import File

    said = subprocess.run(["sha256sum", str(source)], capture_output=True, text=True, check=True).stdout.split()[0]
    last = File.objects.filter(team=seeded.team).order_by("-pk").first()
    return last is not None and last.sha256 == said
