"""Kept files are read again: one that is damaged or gone is told once and shown, and cleared when it is good again."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from exports.housekeeping import verification
from exports.models import Change, Event, Export, File, Heartbeat
from exports.queue import capacity
from exports.storage import files
from tests.helpers import factories
from tests.helpers.cast import Cast


@pytest.fixture
def export(cast: Cast) -> Export:
    return factories.succeeded_export(cast)


@pytest.fixture(autouse=True)
def free_node(db: None) -> None:
    """A worker with free slots."""
    Heartbeat.record("worker:test", slots=4, queues=list(capacity.QUEUES))


def file_of(export: Export) -> File:
    return File.objects.get(export=export)


def verify_all() -> int:
    """The exit code of the command."""
    try:
        call_command("verify_files", all=True)
    except SystemExit as exit_:
        return int(exit_.code or 0)
    return 0


def age_all(days: int) -> None:
    at = timezone.now() - timedelta(days=days)
    File.objects.update(verified_at=at, reverified_at=None)


def test_a_good_file_is_marked_as_read(export: Export, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_all() == 0
    assert capsys.readouterr().out == "Read 1 files: 0 damaged or gone, 0 could not be read.\n"
    assert file_of(export).reverified_at is not None
    assert file_of(export).damaged_at is None


@pytest.mark.parametrize("content", [b"order.id,order.total\n1,11\n", b"order.id", None])
def test_a_damaged_or_missing_file_is_told_once(
    export: Export, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = files.path_of(file_of(export))
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert (verify_all(), verify_all()) == (1, 1)
    assert file_of(export).path in capsys.readouterr().out
    assert file_of(export).damaged_at is not None
    (event,) = Event.objects.filter(type="file.damaged")
    assert (event.team, event.export, event.project) == (export.team, export, export.project)
    note = Change.objects.filter(export=export).latest("seq").note
    assert note.endswith("Run the export again to have a good copy.")
    assert note.startswith("The file")


def test_a_file_that_is_good_again_is_cleared(export: Export) -> None:
    path = files.path_of(file_of(export))
    path.rename(path.with_suffix(".away"))
    assert verify_all() == 1
    path.with_suffix(".away").rename(path)
    assert verify_all() == 0
    assert file_of(export).damaged_at is None
    assert Change.objects.filter(export=export).latest("seq").note.startswith("The file is good again")
    path.unlink()
    assert verify_all() == 1
    assert Event.objects.filter(type="file.damaged").count() == 2


def test_a_deleted_file_is_not_damaged(export: Export) -> None:
    File.objects.update(deleted_at=timezone.now())
    files.path_of(file_of(export)).unlink()
    assert verify_all() == 0


def test_a_file_that_cannot_be_read_is_not_called_damaged(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(verification, "problem_of", refuse)
    assert verify_all() == 1
    assert file_of(export).damaged_at is None
    assert file_of(export).reverified_at is None


def test_the_longest_unread_come_first_and_each_once_a_month(cast: Cast) -> None:
    exports = [factories.succeeded_export(cast, allow_duplicate=True) for _ in range(3)]
    age_all(40)
    File.objects.filter(export=exports[1]).update(verified_at=timezone.now() - timedelta(days=50))
    File.objects.filter(export=exports[2]).update(reverified_at=timezone.now() - timedelta(days=5))
    assert verification.verify_some(10, max_bytes=1).good == 1
    assert [file_of(export).reverified_at is None for export in exports] == [True, False, False]
    assert verification.verify_some(10, max_bytes=10**6).good == 1
    assert verification.verify_some(10, max_bytes=10**6).good == 0


def test_the_command_reads_what_was_not_read_since_days(cast: Cast) -> None:
    factories.succeeded_export(cast)
    age_all(5)
    call_command("verify_files")
    assert not File.objects.filter(reverified_at__isnull=False).exists()
    call_command("verify_files", "--since", "4")
    assert File.objects.filter(reverified_at__isnull=False).count() == 1


def test_files_of_the_same_moment_are_each_read_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "CHUNK", 2)
    for _ in range(5):
        factories.succeeded_export(cast, allow_duplicate=True)
    age_all(40)
    assert verification.verify_some(10, max_bytes=10**6).good == 5


def test_memory_stays_flat_whatever_the_size(cast: Cast, export: Export) -> None:
    import tracemalloc

    path = files.path_of(file_of(export))
    with path.open("wb") as stream:
        stream.truncate(64 * 1024 * 1024)
    File.objects.update(size=64 * 1024 * 1024)
    tracemalloc.start()
    verify_all()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 1024 * 1024


def test_nothing_is_read_while_all_slots_are_taken(export: Export) -> None:
    age_all(40)
    Heartbeat.objects.all().delete()
    assert verification.verify_some(10).good == 0
    assert file_of(export).reverified_at is None


def test_large_files_are_read_apart(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "LARGE_BYTES", 10)
    age_all(40)
    assert verification.verify_some(10).good == 0
    assert verification.verify_large().good == 1
