"""A file with many rows or bytes more or fewer than usual, or without rows, is noted at its export and told once."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.models import QuerySet
from django.utils import timezone

from exports.models import Event, Export, File, Member, Project, Team
from exports.models.event import FILE_CHANGED_ODDLY
from exports.preview import oddness
from exports.preview.oddness import describe_change, examine_new_files
from exports.storage import files
from tests.helpers.cast import Cast
from tests.helpers.kept_exports import keep_export, orders, zip_bytes
from tests.helpers.roles import ARCHIVES, TABLES


@pytest.fixture
def project(cast: Cast) -> Project:
    return cast.project(TABLES)


def keep_orders(project: Project, member: Member, *counts: int) -> Export:
    """The last of the exports with so many orders, all of them examined."""
    for count in counts:
        export = keep_export(project, member, orders(range(count)))
        examine_new_files()
    export.refresh_from_db()
    return export


def odd_events() -> QuerySet[Event]:
    """What was told of odd files."""
    return Event.objects.filter(type=FILE_CHANGED_ODDLY)


@pytest.mark.parametrize(
    ("rows", "earlier", "sentence"),
    [
        (39, [100, 100], "39 rows, 61 % fewer than usual"),
        (1204, [3000, 3100, 3200, 3088], "1,204 rows, 61 % fewer than usual"),
        (1, [30, 30], "1 row, 97 % fewer than usual"),
        (161, [100, 100, 1], "161 rows, 61 % more than usual"),
        (1200, [100, 100], "1,200 rows, 12 times as many as usual"),
        (50, [100, 100], ""),
        (150, [100, 100], ""),
        (39, [100], ""),
        (39, [], ""),
        (0, [100], "0 rows, usually 100"),
        (0, [0, 5, 0], "0 rows, where there were some before"),
        (0, [0, 0], ""),
        (0, [], ""),
        (7, [0, 0], "7 rows, usually none"),
        (0, [None, None], ""),
        (39, [100, None], ""),
    ],
)
def test_rows_are_compared_with_the_usual_number(rows: int, earlier: Sequence[int | None], sentence: str) -> None:
    found = describe_change(rows, 500, [(count, 500) for count in earlier], 50)
    assert (found.sentence if found else "") == sentence


@pytest.mark.parametrize(
    ("size", "earlier", "sentence"),
    [
        (71_760_000, [184_000_000] * 5, "71.8 MB, 61 % smaller than usual"),
        (161_000, [100_000] * 2, "161 KB, 61 % larger than usual"),
        (900, [90, 90], "900 bytes, 10 times as large as usual"),
        (1_500_000_000, [1_000_000_000, 1_000_000_000], ""),
        (10, [184_000_000], ""),
    ],
)
def test_sizes_are_compared_with_the_usual_one(size: int, earlier: Sequence[int], sentence: str) -> None:
    found = describe_change(None, size, [(None, of) for of in earlier], 50)
    assert (found.sentence if found else "") == sentence


@pytest.mark.postgresql
def test_an_odd_file_is_noted_and_told_once(project: Project, member: Member) -> None:
    export = keep_orders(project, member, 100, 100, 39)
    assert export.odd_change == "39 rows, 61 % fewer than usual"
    event = odd_events().get()
    assert (event.type, event.key, event.export_id) == ("file.changed_oddly", f"odd:{export.pk}", export.pk)
    assert event.data["odd_change"] == export.odd_change
    assert (event.data["rows"], event.data["usual_rows"]) == (39, 100)
    File.objects.update(examined_at=None)
    while examine_new_files():
        pass
    assert odd_events().count() == 1


@pytest.mark.postgresql
def test_five_exports_of_the_same_options_say_what_is_usual(project: Project, member: Member) -> None:
    keep_orders(project, member, 1, 1, 100, 100, 100)
    for _ in range(3):
        keep_export(project, member, orders(range(5)), options={"columns": {"order.id": "#"}})
    assert keep_orders(project, member, 100, 100).odd_change == ""
    assert keep_orders(project, member, 1).odd_change == "1 row, 99 % fewer than usual"


def test_deleted_files_still_say_what_was_usual(project: Project, member: Member) -> None:
    keep_orders(project, member, 100, 100)
    File.objects.update(deleted_at=timezone.now())
    assert keep_orders(project, member, 39).odd_change == "39 rows, 61 % fewer than usual"


def test_files_that_were_not_examined_yet_are_counted(project: Project, member: Member) -> None:
    for count in (100, 100, 39):
        export = keep_export(project, member, orders(range(count)))
    assert export.file_id is not None
    oddness.examine(export.file_id)
    export.refresh_from_db()
    assert export.odd_change == "39 rows, 61 % fewer than usual"


@pytest.mark.parametrize(("percent", "odd"), [(None, False), (100, False), (61, False), (60, True), (0, True)])
def test_the_team_says_what_is_odd(
    project: Project, member: Member, team: Team, percent: int | None, *, odd: bool
) -> None:
    Team.objects.update(odd_change_percent=percent)
    assert bool(keep_orders(project, member, 100, 100, 39).odd_change) == odd
    if percent is None:
        assert keep_orders(project, member, 0).odd_change == ""


def test_other_formats_are_compared_by_size(cast: Cast, member: Member) -> None:
    project = cast.project(ARCHIVES)
    for size in (1000, 1000, 5000):
        export = keep_export(project, member, zip_bytes({"a": "x" * size}), "zip")
        examine_new_files()
    export.refresh_from_db()
    assert export.odd_change.endswith("% larger than usual")
    assert export.file is not None
    assert export.file.row_count is None


def test_after_an_upgrade_nobody_is_told_of_old_files(project: Project, member: Member) -> None:
    keep_orders(project, member, 100, 100)
    export = keep_export(project, member, orders(range(39)))
    File.objects.filter(export=export).update(verified_at=timezone.now() - timedelta(days=2))
    examine_new_files()
    export.refresh_from_db()
    assert export.odd_change
    assert not odd_events().exists()


def test_a_file_that_cannot_be_read_counts_as_examined(
    project: Project, member: Member, caplog: pytest.LogCaptureFixture
) -> None:
    export = keep_export(project, member, orders(range(5)))
    assert export.file is not None
    files.path_of(export.file).unlink()
    with caplog.at_level(logging.WARNING):
        assert not examine_new_files()
    export.file.refresh_from_db()
    assert export.file.examined_at is not None
    assert export.file.row_count is None
    assert "could not be counted" in caplog.text


@pytest.mark.postgresql
def test_a_process_that_dies_leaves_the_file_to_the_next_one(
    project: Project, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_orders(project, member, 100, 100)
    export = keep_export(project, member, orders(range(39)))
    with monkeypatch.context() as patched:

        def die(*args: object, **more: object) -> None:
            raise KeyboardInterrupt

        patched.setattr(Event, "record", die)
        with pytest.raises(KeyboardInterrupt):
            examine_new_files()
    export.refresh_from_db()
    assert export.odd_change == ""
    examine_new_files()
    assert odd_events().get().export_id == export.pk


def test_a_database_that_is_away_leaves_the_file_to_the_next_one(
    project: Project, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_export(project, member, orders(range(5)))

    def away(*args: object) -> None:
        raise OperationalError

    monkeypatch.setattr(oddness, "find_odd_change", away)
    with pytest.raises(OperationalError):
        examine_new_files()
    assert File.objects.filter(examined_at=None).exists()


def test_a_run_takes_some_files_and_says_that_there_are_more(
    project: Project, member: Member, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(oddness, "BATCH_SIZE", 2)
    for _ in range(3):
        keep_export(project, member, orders([1]))
    assert examine_new_files()
    assert not examine_new_files()
    assert not File.objects.filter(examined_at=None).exists()
    keep_export(project, member, orders([1]))
    monkeypatch.setattr(oddness, "MAX_SECONDS", -1.0)
    assert examine_new_files()
    assert File.objects.filter(examined_at=None).exists()
