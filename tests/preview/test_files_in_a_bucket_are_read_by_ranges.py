"""Previews, comparisons, the check of kept files and bulk zips read a bucket by ranges, not whole."""

import io
import os
import zipfile

import pytest

from exports.exporting.bulk import stream_zip
from exports.housekeeping import verification
from exports.models import Export, File, Member, Project
from exports.preview.archives import Tree
from exports.preview.comparison import compare
from exports.preview.comparison_archives import MemberChanges
from exports.preview.formats import make_preview
from exports.storage import places
from exports.storage.bucket.bucket import Bucket
from exports.storage.bucket.reader import PiecesReadable
from tests.helpers.cast import Cast
from tests.helpers.kept_exports import keep_export, orders
from tests.helpers.roles import ARCHIVES

LARGE = os.urandom(3_000_000)


@pytest.fixture
def project(cast: Cast) -> Project:
    return cast.project(ARCHIVES)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes each range had."""
    sizes: list[int] = []
    original = PiecesReadable._fetch

    def fetch(self: PiecesReadable, position: int, size: int) -> memoryview:
        data = original(self, position, size)
        sizes.append(len(data))
        return data

    monkeypatch.setattr(PiecesReadable, "_fetch", fetch)
    return sizes


def archive(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as zipped:
        for name in names:
            zipped.writestr(name, LARGE)
    return data.getvalue()


def kept(export: Export) -> File:
    assert export.file is not None
    return export.file


def test_of_an_archive_only_the_directory_is_read(
    bucket: Bucket, project: Project, member: Member, fetched: list[int]
) -> None:
    old = keep_export(project, member, archive("a.bin", "b.bin"), "zip")
    new = keep_export(project, member, archive("a.bin", "c.bin"), "zip")
    preview = make_preview(places.readable(kept(new)), "zip")
    assert isinstance(preview, Tree)
    assert (preview.count, preview.size) == (2, 2 * len(LARGE))
    changes = compare(old, new).changes
    assert isinstance(changes, MemberChanges)
    assert (changes.added, changes.removed, changes.changed) == (1, 1, 0)
    assert sum(fetched) < 4 * 1_200_000, "each is searched for its end, at most a megabyte"


def test_a_file_that_changed_in_the_bucket_is_damaged_and_one_that_is_refused_is_not(
    bucket: Bucket, project: Project, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = kept(keep_export(project, member, orders(range(9)), "zip"))
    done = verification.Verified()
    assert verification.verify(file, done) == ""
    with monkeypatch.context() as refused:
        refused.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
        assert "could not be read" in verification.verify(file, done)
    assert (done.good, done.damaged, done.unread) == (1, 0, 1)
    bucket.objects.put(f"files/{file.path}", b"other bytes")
    assert "bytes" in verification.verify(file, done)
    bucket.delete(file.path)
    assert "gone" in verification.verify(file, done)
    file.refresh_from_db()
    assert file.damaged_at is not None


def test_one_zip_of_many_is_streamed_through_and_names_what_is_lost(
    bucket: Bucket, project: Project, member: Member
) -> None:
    exports = [keep_export(project, member, archive(name), "zip", allow_duplicate=True) for name in "ab"]
    bucket.delete(kept(exports[0]).path)
    chunks, summary = stream_zip(exports, member.user)
    with zipfile.ZipFile(io.BytesIO(b"".join(chunks))) as zipped:
        assert zipped.testzip() is None
        assert kept(exports[1]).name in zipped.namelist()
    assert [reason for _, reason in summary.skipped] == ["file missing from storage"]
