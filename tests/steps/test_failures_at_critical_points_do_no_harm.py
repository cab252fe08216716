"""Failures at critical points. Each of these once led to a wrong file, a second request or a lost answer."""

import os
import time
from collections.abc import Callable

import pytest
from django.db import OperationalError, connections
from pytest_django.fixtures import Settings

from exports import clock, states
from exports.exporting.actions import redrive
from exports.models import Call, Export
from exports.queue.leases import Claim, LostClaimError, renew
from exports.sandbox.server import Sandbox
from exports.settle import acceptance
from exports.steps import submit as submitting
from exports.steps.run import run_step
from exports.storage import download as receiving
from exports.storage import files
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, TABLES
from tests.helpers.run_exports import claim_due, claim_next_step, request_export, run_to_end, take_step
from tests.helpers.stub_server import Reply, run_stub_server

pytestmark = pytest.mark.postgresql

OriginOf = Callable[[str], str]


def export_before_fetch(cast: Cast, origin_of: OriginOf) -> Export:
    export = request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive")
    while take_step(export).step != states.FETCH:
        pass
    return export


def test_the_lease_keeper_does_not_overwrite_the_time_a_step_has_planned(cast: Cast) -> None:
    claim = claim_next_step(request_export(cast.project(TABLES), cast.member, "orders"))
    planned = clock.seconds_from_now(3600)
    claim.settle(next_step_at=planned)
    renew([claim])
    assert Export.objects.get(pk=claim.export.pk).next_step_at == planned


def test_a_part_that_somebody_still_writes_is_not_taken_over(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    export = export_before_fetch(cast, origin_of)
    old = files.PartialFile(export.pk, 1)
    with old.path.open("ab") as file:
        files.lock_for_writing(file)
        file.write(b"x" * 100)
        file.flush()
        part = files.PartialFile.take_over(export.pk, 2)
        assert part.size == 0
        file.write(b"late")
    assert part.size == 0
    assert run_to_end(export).status == states.SUCCEEDED


def test_a_commit_whose_answer_was_lost_keeps_the_file(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = export_before_fetch(cast, origin_of)
    original = Export.move

    def committed_but_cut(self: Export, to: str, **more: object) -> bool:
        moved = original(self, to, **more)  # type: ignore[arg-type]
        if to == states.SUCCEEDED:
            raise OperationalError("the connection was cut")
        return moved

    removed: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(Export, "move", committed_but_cut)
        patched.setattr(files, "delete_file", removed.append)
        with pytest.raises(OperationalError):
            take_step(export)
    assert removed == []


def test_a_file_that_was_just_kept_is_young_for_the_sweeper(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    part = files.PartialFile(1, 1)
    part.path.write_bytes(b"x")
    os.utime(part.path, (1, 1))
    part.publish(cast.team.pk, 1, "zip")
    assert list(files.orphaned_files()) == []
    assert len(list(files.orphaned_files(older_than=-5))) == 1


def test_a_second_search_that_comes_early_proves_nothing(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    sandbox.fault(provider=TABLES, project="4001", on="submit", fault="cut", times=1)
    export = request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders")
    take_step(export)
    export = take_step(export)
    first = dict(export.baseline)
    for _ in range(3):
        redrive(export, actor="staff@example.org")
        Export.objects.filter(pk=export.pk).update(baseline={**first, "absent_at": time.time()})
        run_step(claim_without_moving_time(export))
        export.refresh_from_db()
        assert export.request_sent_at is not None
    assert sandbox.jobs(TABLES, "4001") == 0


def claim_without_moving_time(export: Export) -> Claim:
    Export.objects.filter(pk=export.pk).update(next_step_at=clock.now(), held_until=None)
    [claim] = claim_due((states.SUBMIT,), 10)
    return claim


def test_nothing_is_sent_when_the_claim_is_lost_while_connecting(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    export = request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive")
    claim = claim_next_step(export)

    def lost() -> None:
        raise LostClaimError

    claim.check = lost
    run_step(claim)
    export.refresh_from_db()
    assert sandbox.jobs(ARCHIVES, "100001") == 0
    assert export.request_sent_at is None


def test_an_accepted_answer_survives_a_hiccup_of_the_database(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive")
    claim = claim_next_step(export)
    original, hiccups = acceptance.record_acceptance, [1, 1]

    def hiccup(*args: object, **more: object) -> None:
        if hiccups:
            hiccups.pop()
            raise OperationalError("away")
        original(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(submitting, "record_acceptance", hiccup)
    monkeypatch.setattr(connections["default"], "close", lambda: None)
    claim.stopped.set()  # no waiting
    run_step(claim)
    export.refresh_from_db()
    assert export.status == states.PROCESSING
    assert sandbox.jobs(ARCHIVES, "100001") == 1


@pytest.mark.parametrize("odd", ['{"error": "half \\ud83d"}', '{"error": "nul \\u0000"}'])
def test_half_characters_and_nul_in_an_answer_do_no_harm(cast: Cast, settings: Settings, odd: str) -> None:
    with run_stub_server() as provider:
        settings.PRIVATE_HOSTS = (provider.host,)
        provider.on("POST /api/projects/100001/export", Reply(403, odd))
        export = run_to_end(request_export(cast.project(ARCHIVES, provider.origin), cast.member, "archive"))
        assert (export.status, export.error_code) == (states.FAILED, "credential")
        assert len(provider.requests_to("POST /api/projects/100001/export")) == 1


@pytest.mark.slow(seconds=5)
def test_a_download_does_not_outlive_its_deadline(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = export_before_fetch(cast, origin_of)
    claim = claim_next_step(export)
    claim.export.deadline_at = clock.seconds_from_now(0.2)
    monkeypatch.setattr(receiving, "CHUNK_BYTES", 512)
    sandbox.fault(provider=ARCHIVES, project="100001", on="file", fault="drip", seconds=90, times=1)
    begun = time.monotonic()
    run_step(claim)
    assert time.monotonic() - begun < 45
    export.refresh_from_db()
    assert export.status == states.PROCESSING


def test_a_206_of_another_file_is_not_joined(cast: Cast, settings: Settings) -> None:
    content = b"PK" + bytes(range(256)) * 40
    with run_stub_server() as host:
        settings.PRIVATE_HOSTS = (host.host,)
        host.on(
            "GET /api/jobs/7",
            Reply(body={"id": 7, "status": "complete", "data": {"url": f"{host.origin}/file.zip"}}),
        )
        head = {"ETag": '"two"', "Content-Range": f"bytes 100-{len(content) - 1}/{len(content)}"}
        host.on("GET /file.zip", Reply(206, content[100:], head))
        export = request_export(cast.project(ARCHIVES, host.origin), cast.member, "archive", adopt="7")
        while take_step(export).step != states.FETCH:
            pass
        part = files.PartialFile(export.pk, 1)
        part.path.write_bytes(content[:100])
        part.write_metadata({"validator": '"one"', "total": len(content)})
        export = take_step(export)
        assert export.status == states.PROCESSING
        assert "another piece" in export.wait_note
        assert not list(files.parts_dir().glob("*.part"))


def test_a_disk_that_is_nearly_full_is_left_to_the_database(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = export_before_fetch(cast, origin_of)
    with monkeypatch.context() as patched:
        patched.setattr(files, "has_free_space", lambda more=0: False)
        export = take_step(export)
    assert (export.status, export.last_error_code) == (states.PROCESSING, "storage")
    assert run_to_end(export).status == states.SUCCEEDED


def test_no_link_is_shown_in_a_call(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    export = run_to_end(export_before_fetch(cast, origin_of))
    shown = list(Call.objects.filter(export=export, url__contains="…").values_list("url", flat=True))
    assert shown
    assert all(url.endswith("/….zip") for url in shown)
