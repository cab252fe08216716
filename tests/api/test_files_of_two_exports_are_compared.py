"""GET /exports/:id/compare says what changed since the last good export of the same kind that still has its file."""

import struct
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from exports.models import Export, File, Member, Project
from exports.preview import comparison, comparison_tables
from exports.sandbox.video import build_mp4
from exports.storage import files
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.cast import Cast
from tests.helpers.kept_exports import csv_bytes, keep_export, orders, zip_bytes
from tests.helpers.roles import ARCHIVES, TABLES, VIDEOS

NONE = {"previous": None, "identical": False, "changes": None}
# Time scale and duration in the index of the stand-in's video: four seconds.
MOVIE_TIMES = struct.pack(">2I", 1000, 4000)
ROWS = {"added": 0, "removed": 0, "changed": 0}


@pytest.fixture
def project(cast: Cast) -> Project:
    return cast.project(TABLES)


def compared(client: ApiClient, export: Export, query: str = "") -> Any:
    answer = client.get(f"/exports/{export.pk}/compare{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_rows_are_matched_by_a_column_of_their_own(member_api: ApiClient, project: Project, member: Member) -> None:
    old = keep_export(project, member, csv_bytes(("order.id", "old"), (1, "a"), (2, "b"), (3, "c")))
    new = keep_export(project, member, csv_bytes(("new", "order.id", "old"), ("", 2, "b"), ("", 3, "x"), ("", 4, "d")))
    assert compared(member_api, new) == {
        "previous": old.pk,
        "identical": False,
        "changes": {
            "rows": {"added": 1, "removed": 1, "changed": 1},
            "columns": {"added": ["new"], "removed": []},
            "key": "order.id",
        },
    }


def test_the_key_can_be_chosen(member_api: ApiClient, project: Project, member: Member) -> None:
    keep_export(project, member, csv_bytes(("order.id", "mail"), (1, "a"), (2, "b")))
    new = keep_export(project, member, csv_bytes(("order.id", "mail"), (8, "a"), (9, "b")))
    assert compared(member_api, new)["changes"]["rows"] == {"added": 2, "removed": 2, "changed": 0}
    by_mail = compared(member_api, new, "?key=mail")["changes"]
    assert (by_mail["rows"], by_mail["key"]) == ({"added": 0, "removed": 0, "changed": 2}, "mail")


def test_without_a_key_whole_rows_are_matched(member_api: ApiClient, project: Project, member: Member) -> None:
    keep_export(project, member, csv_bytes(("order.id", "line"), (1, "a"), (1, "a"), (2, "a")))
    new = keep_export(project, member, csv_bytes(("order.id", "line"), (1, "a"), (2, "a"), (2, "b")))
    changes = compared(member_api, new)["changes"]
    assert (changes["rows"], changes["key"]) == ({"added": 1, "removed": 1, "changed": 0}, None)
    assert compared(member_api, new, "?key=order.id")["changes"]["key"] is None


@pytest.mark.parametrize("query", ["?key=nothing", "?key=", "?column=x", "?with=0", "?with=x", "?with=1&with=2"])
def test_a_parameter_that_cannot_be_used_is_named(
    member_api: ApiClient, project: Project, member: Member, query: str
) -> None:
    keep_export(project, member, orders([1]))
    new = keep_export(project, member, orders([1, 2]))
    body = problem_body(member_api.get(f"/exports/{new.pk}/compare{query}"), 422)
    assert list(body["errors"]) == [query[1:].partition("=")[0]]


def test_members_of_archives_are_compared(member_api: ApiClient, cast: Cast, member: Member) -> None:
    project = cast.project(ARCHIVES)
    keep_export(project, member, zip_bytes({"a": "1", "b": "2", "folder/": "", "c": "3"}), "zip")
    new = keep_export(project, member, zip_bytes({"b": "2", "c": "4", "d": "5", "e": "6"}), "zip")
    assert compared(member_api, new)["changes"] == {"members": {"added": 2, "removed": 1, "changed": 1}}


def test_videos_are_compared_by_size_and_length(member_api: ApiClient, cast: Cast, member: Member) -> None:
    project = cast.project(VIDEOS)
    old = build_mp4(80, None).read()
    new = build_mp4(90, 20_000).read().replace(MOVIE_TIMES, MOVIE_TIMES[:-4] + struct.pack(">I", 6500), 1)
    keep_export(project, member, old, "mp4")
    export = keep_export(project, member, new, "mp4")
    assert compared(member_api, export)["changes"] == {"size": [len(old), len(new)], "seconds": [4.0, 6.5]}


def test_identical_files_are_not_read(member_api: ApiClient, project: Project, member: Member) -> None:
    old, new = (keep_export(project, member, orders([1, 2])) for _ in range(2))
    for export in (old, new):
        assert export.file is not None
        files.path_of(export.file).unlink()
    changes = {"rows": ROWS, "columns": {"added": [], "removed": []}, "key": None}
    assert compared(member_api, new) == {"previous": old.pk, "identical": True, "changes": changes}


def test_the_one_before_has_the_same_options_and_its_file(
    member_api: ApiClient, project: Project, member: Member
) -> None:
    first = keep_export(project, member, orders([1]))
    other_options = keep_export(project, member, orders([5]), options={"columns": {"order.id": "#"}})
    deleted = keep_export(project, member, orders([1, 2]))
    damaged = keep_export(project, member, orders([1, 2, 3]))
    File.objects.filter(export=deleted).update(deleted_at=timezone.now())
    File.objects.filter(export=damaged).update(damaged_at=timezone.now() - timedelta(hours=1))
    new = keep_export(project, member, orders([1, 2, 3, 4]))
    assert compared(member_api, new)["previous"] == first.pk
    assert compared(member_api, first) == NONE
    assert compared(member_api, other_options) == NONE
    assert compared(member_api, new, f"?with={other_options.pk}")["previous"] == other_options.pk


def test_an_export_without_a_file_is_a_conflict(member_api: ApiClient, cast: Cast, member: Member) -> None:
    project = cast.project(TABLES)
    export = keep_export(project, member, orders([1]))
    File.objects.filter(export=export).update(deleted_at=timezone.now())
    assert "deleted" in problem_body(member_api.get(f"/exports/{export.pk}/compare"), 409)["detail"]
    video = keep_export(cast.project(VIDEOS), member, b"x", "mp4")
    answer = member_api.get(f"/exports/{video.pk}/compare?with={export.pk}")
    assert "same project" in problem_body(answer, 409)["detail"]


def test_past_a_limit_a_sentence_stands_for_the_changes(
    member_api: ApiClient, project: Project, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison_tables, "MAX_ROWS", 2)
    monkeypatch.setattr(comparison, "_known", {})
    old = keep_export(project, member, orders([1, 2]))
    new = keep_export(project, member, orders([1, 2, 3]))
    said = compared(member_api, new)
    assert "more than 2 rows" in said.pop("note")
    assert said == {"previous": old.pk, "identical": False, "changes": None}


def test_other_teams_see_nothing_of_it(
    api: Any, cast: Cast, project: Project, member: Member, member_api: ApiClient
) -> None:
    new = keep_export(project, member, orders([1]))
    assert api(cast.outsider).get(f"/exports/{new.pk}/compare").status_code == 404
    assert member_api.get(f"/exports/{new.pk}/compare?with=999999").status_code == 404
    assert api(cast.viewer).get(f"/exports/{new.pk}/compare").status_code == 200


def test_a_comparison_waits_for_its_turn_and_is_kept(
    member_api: ApiClient, project: Project, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "MAX_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(comparison, "_known", {})
    busy = threading.BoundedSemaphore(1)
    monkeypatch.setattr(comparison, "_comparing", busy)
    keep_export(project, member, orders([1, 2]))
    new = keep_export(project, member, orders([1, 2, 3]))
    with busy:
        assert "Try again" in compared(member_api, new)["note"]
    found = compared(member_api, new)
    with busy:
        assert compared(member_api, new) == found
