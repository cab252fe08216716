"""What dead workers left in a bucket is deleted when it is an hour old and its export has ended, and nothing else."""

import os
from datetime import timedelta

import pytest

from exports import states
from exports.housekeeping.sweep import _stamp, sweep
from exports.models import Export
from exports.storage.bucket import leftovers
from exports.storage.bucket.bucket import Bucket
from exports.storage.bucket.part import BucketPart, PieceWriter
from tests.helpers.cast import Cast
from tests.helpers.kept_exports import keep_export, orders
from tests.helpers.object_store import names_in, uploads_in
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import request_export

MIB = 1024 * 1024


def leave_download(bucket: Bucket, export: Export) -> BucketPart:
    """A piece, its notes, and an upload that was not completed."""
    part = BucketPart(bucket.objects, export, 1)
    with part.open_for_writing(None, append=False) as writer:
        writer.write(b"id;mail\n")
    part.write_metadata({"validator": '"one"'})
    upload = PieceWriter(bucket.objects, f"{part.folder}/2-killed.csv", "text/csv", 5 * MIB)
    for _ in range(13):
        upload.write(os.urandom(MIB))
    return part


def test_only_what_is_old_and_of_an_ended_export_goes(
    cast: Cast, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = cast.project(TABLES)
    kept = keep_export(project, cast.member, orders(range(3)))
    under_way = request_export(project, cast.member, "orders", allow_duplicate=True)
    ended = request_export(project, cast.member, "orders", allow_duplicate=True)
    going, gone = leave_download(bucket, under_way), leave_download(bucket, ended)
    ended.move(states.FAILED, source="worker", error_code="internal", error_message="x", error_action="us")
    sweep()
    assert len(names_in(bucket)) == 5, "all of it is young"
    assert len(uploads_in(bucket)) == 2
    monkeypatch.setattr(leftovers, "MIN_AGE", timedelta(seconds=-5))
    for walk in ("full", "recent"):
        os.utime(_stamp(walk), (0, 0))
    sweep()
    assert kept.file is not None
    assert names_in(bucket) == sorted([f"files/{kept.file.path}", going.pieces[0].name, going.about])
    [upload] = uploads_in(bucket)
    assert going.folder in upload
    assert gone.folder not in upload


def test_a_store_that_refuses_does_not_stop_the_sweep(
    cast: Cast, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    sweep()
    assert "was not deleted: The object store" in caplog.text
