"""With a bucket, a download goes there as it comes: nothing lies on the local disk, and nothing is left over."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from exports import states
from exports.models import Export
from exports.storage import places
from exports.storage.bucket import multipart
from exports.storage.bucket.bucket import Bucket
from exports.storage.bucket.part import BucketPart
from exports.storage.download import CHUNK_BYTES
from tests.helpers.cast import Cast
from tests.helpers.file_host import FileHost, run_file_host
from tests.helpers.installation import wait_for
from tests.helpers.kept_exports import zip_bytes
from tests.helpers.object_store import READER, names_in, range_host, uploads_in
from tests.helpers.run_exports import run_to_end, take_step
from tests.helpers.stub_server import Reply

ROW = b"1;a@example.org;12,50\n"
MIB = 1024 * 1024


def table(size: int) -> bytes:
    return b"id;mail;total\n" + ROW * (size // len(ROW))


@pytest.fixture
def host(cast: Cast, settings: Settings, bucket: Bucket) -> Iterator[FileHost]:
    with run_file_host(cast, settings, "csv") as one:
        yield one


def kept_bytes(export: Export) -> bytes:
    assert export.file is not None
    with places.readable(export.file).open("rb") as file:
        return file.read()


def begin_fetch(host: FileHost) -> Export:
    export = host.request()
    while export.step != states.FETCH:
        export = take_step(export)
    return export


def test_a_file_is_kept_in_the_bucket_alone(host: FileHost, bucket: Bucket, tmp_path: Path) -> None:
    content = table(3 * MIB)
    export = host.fetch(Reply(200, content))
    assert export.status == states.SUCCEEDED, export.error_message
    assert export.file is not None
    assert (export.file.storage, export.file.size) == (bucket.identity, len(content))
    assert kept_bytes(export) == content
    assert names_in(bucket) == [f"files/{export.file.path}"]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size > 1000]


def test_a_download_that_breaks_goes_on_by_range(host: FileHost, bucket: Bucket) -> None:
    """The second break leaves a piece that the store does not copy by itself; the first one does not."""
    content = table(17 * MIB)
    export = host.fetch(range_host(content, [7 * MIB, 7 * MIB + 90_000, 14 * MIB]))
    assert export.status == states.SUCCEEDED, export.error_message
    assert kept_bytes(export) == content
    starts = [one.headers.get("Range") for one in host.stub.requests_to(host.file_route)]
    assert starts[:2] == [None, f"bytes={7 * MIB}-"]
    assert len(starts) == 4
    assert len(names_in(bucket)) == 1
    assert uploads_in(bucket) == []


def test_pieces_are_joined_inside_the_store(host: FileHost, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    content = table(13 * MIB)
    export = host.request()
    part = BucketPart(bucket.objects, export, 1)
    for begin, end in ((0, 6 * MIB), (6 * MIB, len(content))):
        with part.open_for_writing(None, append=begin > 0) as writer:
            writer.write(content[begin:end])
    # Nothing is read back.
    with monkeypatch.context() as unread:
        unread.setattr("exports.storage.bucket.objects.Objects.read", None)
        name = part.publish(export.team_id, export.pk, "csv")
    with bucket.readable(name).open() as file:
        assert file.read() == content
    assert names_in(bucket) == [f"files/{name}", part.about]


def test_what_a_killed_worker_had_sent_is_not_fetched_again(
    host: FileHost, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = table(20 * MIB)
    host.stub.on(host.file_route, range_host(content))
    export = begin_fetch(host)
    with monkeypatch.context() as killed:
        killed.setattr(BucketPart, "_keep", lambda self, writer: None)
        killed.setattr("exports.storage.download.SPACE_CHECK_BYTES", 19 * MIB)
        killed.setattr(BucketPart, "has_free_space", stop_near_the_end(bucket))
        with pytest.raises(KeyboardInterrupt):
            take_step(export)
    assert [name for name in names_in(bucket) if name.startswith("files/")] == []
    assert len(uploads_in(bucket)) == 1
    Export.objects.update(held_until=None)
    ended = run_to_end(export)
    assert kept_bytes(ended) == content
    first, second = host.stub.requests_to(host.file_route)
    assert first.headers.get("Range") is None
    assert int(second.headers["Range"].removeprefix("bytes=").rstrip("-")) >= 8 * MIB
    assert uploads_in(bucket) == []
    assert len(names_in(bucket)) == 1


def stop_near_the_end(bucket: Bucket) -> object:
    """Stands in for a check during the download, and dies when so much has come, and its first part has arrived."""

    def arrived() -> bool:
        uploads = multipart.list_uploads(bucket.address, bucket.address.key("files/"))
        return any(part.number == 1 for upload in uploads for part in multipart.list_parts(bucket.address, upload))

    def check(self: BucketPart, left: int = 0) -> bool:
        if left <= MIB + CHUNK_BYTES:
            wait_for(arrived, 30, "the first part, which is sent beside the download")
            raise KeyboardInterrupt
        return True

    return check


def test_a_bad_file_leaves_nothing(cast: Cast, settings: Settings, bucket: Bucket) -> None:
    with run_file_host(cast, settings, "zip") as host:
        cut = zip_bytes({"a.txt": "a" * 5000})[:-30]
        export = host.fetch(Reply(200, cut, {"Content-Type": "application/zip"}))
    assert (export.status, export.error_code) == (states.FAILED, "bad_file")
    assert names_in(bucket) == []
    assert uploads_in(bucket) == []


def test_a_refusal_is_waited_out_with_a_sentence(
    host: FileHost, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = table(MIB)
    host.stub.on(host.file_route, Reply(200, content))
    export = begin_fetch(host)
    with monkeypatch.context() as refused:
        refused.setenv("AWS_ACCESS_KEY_ID", READER.id)
        refused.setenv("AWS_SECRET_ACCESS_KEY", READER.secret)
        for _ in range(2):
            export = take_step(export)
            assert (export.status, export.last_error_code) == (states.PROCESSING, "storage")
            assert "operators must grant them" in export.wait_note
    with monkeypatch.context() as missing:
        missing.setenv("AWS_ACCESS_KEY_ID", "")
        assert "no keys for the bucket" in take_step(export).wait_note
    assert kept_bytes(run_to_end(export)) == content
