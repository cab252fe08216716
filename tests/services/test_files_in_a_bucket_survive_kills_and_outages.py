"""PostgreSQL, Redis and an object store: a worker is killed in mid-download and the store is away; nothing is lost."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exports.sandbox.server import Sandbox
from exports.storage.bucket.bucket import Bucket
from tests.helpers.installation import Installation, installation, wait_for
from tests.helpers.object_store import ObjectStore, names_in, uploads_in
from tests.helpers.roles import ARCHIVES, TABLES, VIDEOS
from tests.helpers.servers import DATABASE, servers_environment

pytestmark = [pytest.mark.slow(seconds=60), pytest.mark.services, pytest.mark.timeout(300)]

AWAY_SECONDS = 20.0


@pytest.fixture
def with_bucket(
    tmp_path: Path, own_sandbox: Sandbox, prepared: Path, bucket: Bucket, store: ObjectStore
) -> Iterator[Installation]:
    variables = {**store.environment, "STORAGE_URL": bucket.address.text}
    with (
        servers_environment("redis", DATABASE) as environment,
        installation(tmp_path, f"127.0.0.1:{own_sandbox.port}", prepared, **environment, **variables) as started,
    ):
        started.start_web()
        yield started


def test_a_kill_in_mid_download_and_a_store_that_is_away(
    with_bucket: Installation, own_sandbox: Sandbox, bucket: Bucket, store: ObjectStore
) -> None:
    own_sandbox.settings(file_bytes=12_000_000)
    video = "65fa6b07dca2e367461a2925"
    drip = own_sandbox.fault(provider=VIDEOS, project=video, on="file", fault="drip", seconds=60, times=1)
    asked = [
        with_bucket.ask(with_bucket.project(VIDEOS, own_sandbox.origin(VIDEOS), video), "video"),
        with_bucket.ask(with_bucket.project(TABLES, own_sandbox.origin(TABLES), "4001"), "orders"),
    ]
    worker = with_bucket.start_worker()
    wait_for(lambda: own_sandbox.fired(drip) == 1, 90, "the download")
    wait_for(lambda: any(name.startswith("parts/") for name in names_in(bucket)), 30, "its notes")
    with_bucket.kill(worker)
    with store.away():
        with_bucket.start_worker()
        archive = with_bucket.project(ARCHIVES, own_sandbox.origin(ARCHIVES), "100001")
        asked.append(with_bucket.ask(archive, "archive"))
        time.sleep(AWAY_SECONDS)
        assert with_bucket.export(asked[-1])["status"] in ("waiting", "processing")
    for number in asked:
        export = with_bucket.wait_until_ended(number, 120)
        assert export["status"] == "succeeded", export
        answer = with_bucket.api("GET", f"/exports/{number}/file")
        assert len(answer.content) == export["file"]["size"]
    for provider, project in ((VIDEOS, video), (TABLES, "4001"), (ARCHIVES, "100001")):
        assert own_sandbox.jobs(provider, project) == 1
    assert uploads_in(bucket) == []
    # The notes of a download go after the commit that makes its file visible.
    wait_for(lambda: len(names_in(bucket)) == 3, 30, lambda: str(names_in(bucket)))
    kept = [path for place in ("files", "parts") for path in (with_bucket.folder / "var" / place).rglob("*")]
    assert not [path for path in kept if path.is_file()]
