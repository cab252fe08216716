"""A fetched file is complete, in spite of dead links, broken downloads and bodies that are not the file."""

from collections.abc import Callable

import pytest
from pytest_django.fixtures import Settings

from exports import states
from exports.exporting import delete_file
from exports.models import Call, Export, Team
from exports.sandbox.server import Sandbox
from exports.storage import files
from tests.helpers.cast import PROJECTS, Cast
from tests.helpers.roles import ARCHIVES, TABLES, VIDEOS
from tests.helpers.run_exports import request_export, run_to_end, take_step

OriginOf = Callable[[str], str]
WITH_FILES = [(ARCHIVES, "archive", "zip"), (VIDEOS, "video", "mp4"), (TABLES, "orders", "xlsx")]


def run_export(
    cast: Cast, origin_of: OriginOf, provider: str = ARCHIVES, type_: str = "archive", format_: str = "zip"
) -> Export:
    return run_to_end(
        request_export(cast.project(provider, origin_of(provider)), cast.member, type_, format_), seconds=40
    )


def is_complete(export: Export) -> bool:
    assert export.file is not None
    return files.path_of(export.file).stat().st_size == export.file.size


@pytest.mark.parametrize(("provider", "type_", "format_"), WITH_FILES)
@pytest.mark.parametrize("fault", ["cut_once", "no_ranges", "changed_file", "dead_link", "redirect_ok", "gzip"])
def test_a_file_is_complete_in_spite_of(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, provider: str, type_: str, format_: str, fault: str
) -> None:
    times = {} if fault in ("no_ranges", "gzip", "redirect_ok") else {"times": 1}
    rule = sandbox.fault(provider=provider, project=PROJECTS[provider], on="file", fault=fault, **times)
    if fault == "no_ranges":
        sandbox.fault(provider=provider, project=PROJECTS[provider], on="file", fault="cut_once", times=1)
    export = run_export(cast, origin_of, provider, type_, format_)

    assert sandbox.fired(rule) >= 1
    assert export.status == states.SUCCEEDED, (export.error_code, export.error_message)
    assert is_complete(export)
    assert sandbox.ledger()["credential_leaks"] == []
    assert not list(files.parts_dir().iterdir())


def test_a_break_is_resumed_with_a_range_and_not_from_the_start(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    sandbox.settings(file_bytes=3_000_000)
    sandbox.fault(provider=ARCHIVES, project="100001", on="file", fault="cut_once", times=1)
    export = run_export(cast, origin_of)

    assert export.status == states.SUCCEEDED
    calls = Call.objects.filter(export=export, url__contains="…").order_by("pk")
    assert [call.status for call in calls] == [200, 206]


@pytest.mark.parametrize(("provider", "type_", "format_"), WITH_FILES)
@pytest.mark.parametrize(
    ("fault", "code", "action"),
    [
        ("truncated", "bad_file", "provider"),
        ("truncated_quietly", "bad_file", "provider"),
        ("wrong_type", "bad_file", "provider"),
        ("empty_file", "bad_file", "provider"),
        ("dead_for_good", "no_file", "provider"),
        ("redirect_private", "address", "provider"),
        ("redirect_loop", "address", "provider"),
        ("redirect_scheme", "address", "provider"),
    ],
)
def test_an_export_fails_with_a_reason_on(
    cast: Cast,
    sandbox: Sandbox,
    origin_of: OriginOf,
    provider: str,
    type_: str,
    format_: str,
    fault: str,
    code: str,
    action: str,
) -> None:
    rule = sandbox.fault(provider=provider, project=PROJECTS[provider], on="file", fault=fault)
    export = run_export(cast, origin_of, provider, type_, format_)

    assert sandbox.fired(rule) >= 1
    assert (export.status, export.error_code, export.error_action) == (states.FAILED, code, action)
    assert export.file is None
    assert not list(files.parts_dir().iterdir())
    assert not files.files_dir().exists() or not list(files.files_dir().glob("*/*/*"))


def test_a_csv_that_was_cut_quietly_is_a_bad_file(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    sandbox.fault(provider=TABLES, project="4001", on="file", fault="truncated_quietly")
    export = run_export(cast, origin_of, TABLES, "orders", "csv")

    assert (export.status, export.error_code) == (states.FAILED, "bad_file")


def test_a_file_that_is_too_large_is_not_kept(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, settings: Settings
) -> None:
    settings.MAX_FILE_BYTES = 100
    export = run_export(cast, origin_of)

    assert (export.status, export.error_code, export.error_action) == (states.FAILED, "too_large", "you")
    assert not list(files.parts_dir().iterdir())


def test_a_disk_that_refuses_is_waited_for(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> str:
        raise OSError(28, "No space left on device")

    export = request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive")
    while take_step(export).step != states.FETCH:
        pass
    with monkeypatch.context() as patched:
        patched.setattr(files.PartialFile, "publish", refuse)
        export = take_step(export)
    assert (export.status, export.last_error_code) == (states.PROCESSING, "storage")
    assert "No space left" in export.wait_note

    assert run_to_end(export).status == states.SUCCEEDED


def test_the_link_is_kept_encrypted_and_is_gone_at_the_end(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    export = request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive")
    while take_step(export).step != states.FETCH:
        pass
    assert export.encrypted_link.startswith("v1:")
    assert "http" not in export.encrypted_link
    assert run_to_end(export).encrypted_link == ""
    assert not Call.objects.filter(url__contains="token").exists()


def test_a_teams_files_are_counted_and_never_more_than_it_may_keep(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    project = cast.project(TABLES, origin_of(TABLES))
    first = run_to_end(request_export(project, cast.member, "orders", "csv"))
    cast.team.refresh_from_db()
    assert (cast.team.kept_bytes, cast.team.kept_files) == (first.file.size, 1)

    Team.objects.update(quota_bytes=first.file.size + 10)
    second = run_to_end(request_export(project, cast.member, "orders", "csv"))
    assert (second.status, second.error_code) == (states.FAILED, "too_large")
    assert "Delete files, then retry" in second.error_message

    delete_file.delete_file(first, cast.owner.user)
    third = run_to_end(request_export(project, cast.member, "orders", "csv"))
    assert third.status == states.SUCCEEDED
    cast.team.refresh_from_db()
    assert (cast.team.kept_bytes, cast.team.kept_files) == (third.file.size, 1)
