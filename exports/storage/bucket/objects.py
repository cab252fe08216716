"""Objects in a bucket, by obstore: put, read by ranges, listed and deleted. Names are those below the prefix.

obstore is imported when a bucket is first used: a portal that keeps files on disk does without it. All functions raise
BucketError, or FileNotFoundError where the object is not there.
"""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from exports.storage.bucket.access_keys import AccessKeys, read_keys
from exports.storage.bucket.address import BucketAddress
from exports.storage.bucket.errors import bucket_error

if TYPE_CHECKING:
    from obstore import WritableFile
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Store

# A part that is sent is as large as this, or larger where the store's 10 000 parts would not suffice.
PART_BYTES: Final = 8 * 1024 * 1024
MAX_PARTS: Final = 9_000
# Parts on their way while the next one fills up. All of them are in memory.
PARTS_AT_ONCE: Final = 2
# The client repeats what failed for a short time; what takes longer is the engine's to repeat.
RETRIES: "Final[RetryConfig]" = {
    "max_retries": 4,
    "retry_timeout": timedelta(seconds=10),
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=3), "base": 2},
}


@dataclass(frozen=True)
class StoredObject:
    """An object as a listing shows it."""

    name: str
    size: int
    modified_at: datetime


class Objects:
    """The objects of one bucket. Safe to share between threads; each process has its own connections."""

    def __init__(self, address: BucketAddress) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._store: S3Store | None = None
        self._made_for: tuple[int, AccessKeys] | None = None

    def put(self, name: str, data: bytes, *, create: bool = False) -> None:
        """Writes a small object. `create`: raises BucketError where there is one."""
        with _translated() as obstore:
            mode = "create" if create else "overwrite"
            obstore.put(self._client(), self.address.key(name), data, mode=mode, use_multipart=False)

    def read(self, name: str, start: int, end: int) -> memoryview:
        """Returns the bytes from `start` to before `end`, fewer where the object ends."""
        with _translated() as obstore:
            return memoryview(obstore.get_range(self._client(), self.address.key(name), start=start, end=end))

    def read_all(self, name: str) -> bytes:
        """Returns a small object."""
        with _translated() as obstore:
            return bytes(obstore.get(self._client(), self.address.key(name)).bytes())

    def size(self, name: str) -> int:
        """Returns its bytes. Raises FileNotFoundError."""
        with _translated() as obstore:
            return int(obstore.head(self._client(), self.address.key(name))["size"])

    def delete(self, names: Sequence[str]) -> None:
        """Deletes objects. Those that are not there are no error."""
        if names:
            with _translated() as obstore:
                obstore.delete(self._client(), [self.address.key(name) for name in names])

    def list(self, folder: str) -> Iterator[StoredObject]:
        """Yields the objects below a folder, in the order of their names."""
        with _translated() as obstore:
            stream = obstore.list(self._client(), self.address.key(folder), chunk_size=1000)
        while True:
            with _translated():
                rows: Iterable[Any] = next(stream, ())
            if not rows:
                return
            for row in rows:
                yield StoredObject(self.address.name(row["path"]), int(row["size"]), row["last_modified"])

    def open_writer(self, name: str, content_type: str, part_bytes: int) -> "WritableFile":
        """Returns a writer that sends what is written in parts. The object is there once it is closed."""
        with _translated() as obstore:
            writer: WritableFile = obstore.open_writer(
                self._client(),
                self.address.key(name),
                attributes={"Content-Type": content_type},
                buffer_size=part_bytes,
                max_concurrency=PARTS_AT_ONCE,
            )
            return writer

    def _client(self) -> "S3Store":
        keys = read_keys()
        with self._lock:
            # Connections do not survive a fork, and keys may be given anew.
            if self._store is None or self._made_for != (os.getpid(), keys):
                self._store, self._made_for = self._connect(keys), (os.getpid(), keys)
            return self._store

    def _connect(self, keys: AccessKeys) -> "S3Store":
        from obstore.store import S3Store

        address = self.address
        client: ClientConfig = {
            "allow_http": True,
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(seconds=120),
            "read_timeout": timedelta(seconds=15),
            # A proxy, but not for this host: without one the client would heed HTTPS_PROXY, which the portal does not.
            "proxy_url": "http://127.0.0.1:9",
            "proxy_excludes": urlsplit(address.base_url).hostname or "",
        }
        if settings.EXTRA_CA_FILE:
            client["root_certificate"] = Path(settings.EXTRA_CA_FILE).read_text(encoding="utf-8")
        more: S3Config = {"session_token": keys.token} if keys.token else {}
        return S3Store(
            address.bucket,
            config=more,
            endpoint=address.store_url,
            # The client reads variables of its own, which would send it elsewhere than the portal's other requests.
            aws_endpoint_url_s3=address.store_url,
            skip_signature=False,
            region=address.region,
            virtual_hosted_style_request=address.is_virtual,
            access_key_id=keys.id,
            secret_access_key=keys.secret,
            # Signatures cover the SHA-256 of what is sent, so the store refuses bytes that were changed on their way. A
            # checksum for the whole upload besides would keep others from completing it.
            unsigned_payload=False,
            client_options=client,
            retry_config=RETRIES,
        )


@contextmanager
def _translated() -> Iterator[ModuleType]:
    """Yields obstore, and replaces its errors by the portal's: theirs repeat addresses and answers."""
    import obstore
    from obstore.exceptions import BaseError

    try:
        yield obstore
    except (BaseError, OSError, ValueError) as error:
        if type(error).__module__.startswith("exports."):
            raise
        raise bucket_error(str(error)[:20_000]) from None


def part_bytes(total: int) -> int:
    """How large the parts of an upload of so many bytes are."""
    return max(PART_BYTES, -(-total // MAX_PARTS))


def closing(writer: "WritableFile") -> None:
    """Ends an upload: the object is there when this returns."""
    with _translated():
        writer.close()


def writing(writer: "WritableFile", chunk: bytes) -> None:
    """Hands bytes to an upload."""
    with _translated():
        writer.write(chunk)
