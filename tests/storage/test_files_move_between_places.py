"""Kept files move from disk to bucket and back, each verified; the old bytes stay for an hour."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from exports.exporting.delete_file import delete_file
from exports.models import Export, File, Member, Project
from exports.storage import moves, places
from exports.storage.bucket.bucket import Bucket
from exports.storage.place import Place
from tests.helpers.cast import Cast
from tests.helpers.kept_exports import keep_export, orders
from tests.helpers.object_store import ObjectStore, names_in, uploads_in
from tests.helpers.roles import TABLES

CONTENT = orders(range(50))


@pytest.fixture
def export(cast: Cast, member: Member, bucket: Bucket, settings: Settings) -> Export:
    """Its file is on the disk; the bucket is there already."""
    settings.STORAGE_URL = ""
    return keep_export(cast.project(TABLES), member, CONTENT)


def file_of(export: Export) -> File:
    return File.objects.get(export=export)


def is_at(place: Place, file: File) -> bool:
    try:
        return place.size(file.path) == file.size
    except FileNotFoundError:
        return False


def read(file: File) -> bytes:
    with places.readable(file).open("rb") as source:
        return source.read()


def an_hour_later() -> None:
    File.objects.filter(moved_at__isnull=False).update(moved_at=timezone.now() - timedelta(minutes=61))
    moves.delete_moved()


def move_to(address: str) -> None:
    call_command("move_files", to=address)


def test_files_move_to_a_bucket_to_another_and_back(
    export: Export, bucket: Bucket, store: ObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    other = places.place_at(store.make_bucket())
    before: Place = places.DISK
    for target, address in ((bucket, bucket.identity), (other, other.identity), (places.DISK, "disk")):
        move_to(address)
        file = file_of(export)
        assert (file.storage, read(file)) == (target.identity, CONTENT)
        moves.delete_moved()
        assert is_at(before, file), "who has opened it reads it to its end"
        an_hour_later()
        assert not is_at(before, file)
        assert file_of(export).moved_at is None
        before = target
    assert "Moved 1 files" in capsys.readouterr().out


def test_a_move_that_was_cut_off_goes_on_and_copies_nothing_twice(
    export: Export, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr("exports.storage.moves.transaction", None)
        with pytest.raises(AttributeError):
            move_to(bucket.identity)
    assert (file_of(export).storage, is_at(bucket, file_of(export))) == ("", True)
    monkeypatch.setattr(Bucket, "copy_in", None)
    move_to(bucket.identity)
    assert file_of(export).storage == bucket.identity


def test_a_damaged_file_stays_where_it_is(export: Export, bucket: Bucket) -> None:
    file = file_of(export)
    places.DISK.readable(file.path).write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(CommandError, match="run it again"):
        move_to(bucket.identity)
    assert file_of(export).storage == ""
    assert names_in(bucket) == []
    assert uploads_in(bucket) == []


def test_a_file_that_is_deleted_after_its_move_is_deleted_at_both_places(
    export: Export, bucket: Bucket, member: Member
) -> None:
    move_to(bucket.identity)
    delete_file(export, member.user)
    assert not is_at(bucket, file_of(export))
    assert not is_at(places.DISK, file_of(export))


def test_one_that_is_deleted_meanwhile_leaves_no_copy(
    export: Export, bucket: Bucket, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Bucket.copy_in

    def copy_in(self: Bucket, *arguments: object) -> None:
        original(self, *arguments)  # type: ignore[arg-type]
        delete_file(export, member.user)

    monkeypatch.setattr(Bucket, "copy_in", copy_in)
    move_to(bucket.identity)
    assert names_in(bucket) == []


@pytest.mark.parametrize("address", ["s3://XSECRET:x@bucket", "ftp://XSECRET", ""])
@pytest.mark.usefixtures("db")
def test_a_wrong_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(CommandError, match="cannot be read") as caught:
        move_to(address)
    assert "XSECRET" not in str(caught.value)


def test_nothing_moves_to_a_store_that_refuses(export: Export, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(CommandError, match="Nothing was moved"):
        move_to(bucket.identity)


def test_a_project_without_files_moves_nothing(project: Project, bucket: Bucket) -> None:
    move_to(bucket.identity)


@pytest.fixture
def project(cast: Cast) -> Project:
    return cast.project(TABLES)
