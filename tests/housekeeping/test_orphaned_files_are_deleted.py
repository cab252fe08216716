"""Files without a row are deleted when they are old enough, and kept files are not listed every minute."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from exports.housekeeping import sweep as housekeeping
from exports.housekeeping.sweep import sweep
from exports.models import File
from exports.storage import files
from tests.helpers import factories
from tests.helpers.cast import Cast

HOUR = 3600.0


def orphan(name: str, age: float, directory_age: float | None = None) -> Path:
    """A file without a row, with the directories of its team and export, this many seconds old."""
    path = files.files_dir() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    os.utime(path, (0, time.time() - age))
    for directory in (path.parent, path.parent.parent):
        os.utime(directory, (0, time.time() - (age if directory_age is None else directory_age)))
    return path


def set_age_of_walk(walk: str, age: float) -> None:
    stamp = housekeeping._stamp(walk)
    stamp.touch()
    os.utime(stamp, (0, time.time() - age))


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The directories of kept files that are listed, relative to the root."""
    names: list[str] = []
    original = os.scandir

    def scandir(path: str | Path = ".") -> object:
        if Path(path).is_relative_to(files.files_dir()):
            names.append(str(Path(path).relative_to(files.files_dir())))
        return original(path)

    monkeypatch.setattr("exports.storage.files.os.scandir", scandir)
    return names


def test_the_first_sweep_finds_orphans_of_any_age_and_nothing_else(cast: Cast) -> None:
    kept = factories.succeeded_export(cast).file
    assert kept is not None
    os.utime(files.path_of(kept), (0, 0))
    ancient, young = orphan("7/1/a.zip", 400 * 24 * HOUR), orphan("7/2/b.zip", 0.9 * HOUR)
    sweep()
    assert not ancient.exists()
    assert young.exists()
    assert files.path_of(kept).exists()


@pytest.mark.usefixtures("db")
def test_between_full_walks_orphans_of_a_recent_crash_are_deleted() -> None:
    sweep()
    recent, ancient = orphan("7/1/a.zip", 1.1 * HOUR), orphan("8/2/b.zip", 5 * HOUR)
    set_age_of_walk("recent", 601)
    sweep()
    assert not recent.exists()
    assert ancient.exists(), "left for the full walk"
    set_age_of_walk("full", 24 * HOUR + 1)
    sweep()
    assert not ancient.exists()


@pytest.mark.usefixtures("db")
def test_a_sweep_within_ten_minutes_lists_no_kept_files(listed: list[str]) -> None:
    orphan("7/1/a.zip", 5 * HOUR)
    sweep()
    assert set(listed) == {".", "7", "7/1"}
    listed.clear()
    sweep()
    assert listed == []


@pytest.mark.usefixtures("db")
def test_a_recent_walk_lists_only_what_changed_lately(listed: list[str]) -> None:
    sweep()
    orphan("7/1/a.zip", 5 * HOUR)
    orphan("8/2/b.zip", 5 * HOUR)
    orphan("8/3/c.zip", 1.5 * HOUR)
    listed.clear()
    set_age_of_walk("recent", 601)
    sweep()
    assert set(listed) == {".", "8", "8/3"}


def test_a_file_whose_deletion_was_interrupted_is_deleted_between_full_walks(cast: Cast) -> None:
    sweep()
    file = factories.succeeded_export(cast).file
    assert file is not None
    path = files.path_of(file)
    orphan(file.path, 400 * 24 * HOUR)
    File.objects.filter(pk=file.pk).update(deleted_at=timezone.now() - timedelta(minutes=30))
    set_age_of_walk("recent", 601)
    sweep()
    assert path.exists(), "it may be under way"
    File.objects.filter(pk=file.pk).update(deleted_at=timezone.now() - timedelta(minutes=61))
    set_age_of_walk("recent", 601)
    sweep()
    assert not path.exists()


@pytest.mark.usefixtures("db")
def test_a_clock_that_was_set_back_delays_no_walk() -> None:
    sweep()
    set_age_of_walk("full", -48 * HOUR)
    ancient = orphan("7/1/a.zip", 400 * 24 * HOUR)
    sweep()
    assert not ancient.exists()
