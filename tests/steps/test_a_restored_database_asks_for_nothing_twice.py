"""A database that was restored from a copy knows nothing of what was sent since; nothing is asked for a second time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from exports import states
from exports.housekeeping.after_restore import take_over_restored
from exports.models import Change, Export
from exports.models.export import Export as ExportRow
from exports.sandbox.server import Sandbox
from tests.helpers.cast import PROJECTS, Cast
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS
from tests.helpers.run_exports import request_export, run_to_end, take_step

pytestmark = pytest.mark.postgresql

OriginOf = Callable[[str], str]
TYPE_OF_EACH_PROVIDER = [(ARCHIVES, "archive"), (VIDEOS, "video"), (CHANGING, "archive"), (TABLES, "orders")]


def jobs_created(sandbox: Sandbox, provider: str) -> int:
    return int(sandbox.ledger()["jobs"].get(provider, {}).get(PROJECTS[provider], 0))


@contextmanager
def lost_time() -> Iterator[None]:
    """What is done to exports within is lost, as with the database; the provider keeps what it did."""
    names = [field.attname for field in ExportRow._meta.concrete_fields if field.attname != "id"]
    copy = list(Export.objects.values("id", *names))
    yield
    for row in copy:
        Export.objects.filter(pk=row.pop("id")).update(**row)
    take_over_restored()


def test_a_job_that_was_made_after_the_copy_is_found(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    project = cast.project(TABLES, origin_of(TABLES))
    run_to_end(request_export(project, cast.member, "orders"))
    export = request_export(project, cast.member, "orders", "xlsx")
    with lost_time():
        asked = take_step(export)
        assert asked.remote_id

    export = run_to_end(export)
    assert (export.status, export.remote_id) == (states.SUCCEEDED, asked.remote_id)
    assert jobs_created(sandbox, TABLES) == 2
    notes = [change.note for change in Change.objects.filter(export=export)]
    assert any("restored from a copy" in note for note in notes)


def test_what_was_not_asked_is_asked_after_a_search_that_found_nothing(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    project = cast.project(TABLES, origin_of(TABLES))
    run_to_end(request_export(project, cast.member, "orders"))
    export = request_export(project, cast.member, "orders", "xlsx")
    with lost_time():
        pass

    export = run_to_end(export)
    assert export.status == states.SUCCEEDED
    assert jobs_created(sandbox, TABLES) == 2
    assert any("once more" in change.note for change in Change.objects.filter(export=export))


@pytest.mark.parametrize("was_requested", [True, False])
@pytest.mark.parametrize(("provider", "type_"), TYPE_OF_EACH_PROVIDER)
def test_where_the_database_does_not_know_what_was_there_before_a_person_decides(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, provider: str, type_: str, was_requested: bool
) -> None:
    export = request_export(cast.project(provider, origin_of(provider)), cast.member, type_)
    with lost_time():
        if was_requested:
            take_step(export)

    export = run_to_end(export)
    assert jobs_created(sandbox, provider) <= 1
    if export.status == states.SUCCEEDED:
        assert provider == CHANGING  # Its list shows that nothing was archived, or that the project is archived.
    else:
        assert (export.error_code, export.error_action) == ("unconfirmed", "you")
        assert jobs_created(sandbox, provider) == int(was_requested)


def test_two_waiting_exports_of_a_project_take_no_job_twice(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    project = cast.project(TABLES, origin_of(TABLES))
    run_to_end(request_export(project, cast.member, "orders"))
    exports = [request_export(project, cast.member, "orders", allow_duplicate=True) for _ in range(2)]
    with lost_time():
        for export in exports:
            take_step(export)

    ended = [run_to_end(export) for export in exports]
    assert [export.status for export in ended] == [states.SUCCEEDED] * 2
    assert len({export.remote_id for export in ended}) == 2
    assert jobs_created(sandbox, TABLES) == 3


def test_a_request_that_was_in_doubt_is_not_sent_again(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    sandbox.fault(provider=TABLES, project="4001", on="submit", fault="status", status=500, times=1)
    export = request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders")
    take_step(export)
    with lost_time():
        pass

    export = run_to_end(export)
    assert (export.status, export.error_code) == (states.FAILED, "unconfirmed")
    assert jobs_created(sandbox, TABLES) == 0


def test_a_job_that_is_watched_is_watched_on(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    export = take_step(request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders"))
    with lost_time():
        assert run_to_end(export).status == states.SUCCEEDED

    assert run_to_end(export).status == states.SUCCEEDED
    assert jobs_created(sandbox, TABLES) == 1
