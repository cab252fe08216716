"""Fetch again: the file of a job that is done at the provider is fetched once more, and nothing is asked for anew."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from exports import states
from exports.errors import ConflictError, DuplicateError, InvalidError
from exports.exporting.create import Requester
from exports.exporting.delete_file import delete_file
from exports.exporting.fetch_again import FETCHABLE_ERROR_CODES, fetch_again, may_fetch_again
from exports.models import AuditEntry, Change, Export
from exports.providers.contract import DOWNLOAD
from exports.providers.registry import PROVIDERS
from exports.sandbox.server import Sandbox
from tests.helpers import factories
from tests.helpers.cast import KINDS, PROJECTS, Cast
from tests.helpers.roles import CHANGING, TABLES, VIDEOS
from tests.helpers.run_exports import request_export, run_to_end

OriginOf = Callable[[str], str]
WITH_FILES = [kind for kind in KINDS if kind[2] != "none"]


@pytest.fixture
def requester(cast: Cast) -> Requester:
    return Requester(cast.member.user)


@pytest.mark.parametrize(("provider", "type_", "format_", "options"), WITH_FILES)
def test_a_file_that_did_not_come_is_fetched_without_a_second_job(
    cast: Cast,
    sandbox: Sandbox,
    origin_of: OriginOf,
    requester: Requester,
    provider: str,
    type_: str,
    format_: str,
    options: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A download may cost a minute by the limits.
    limits = {name: limit for name, limit in PROVIDERS[provider].limits.items() if name != DOWNLOAD}
    monkeypatch.setattr(type(PROVIDERS[provider]), "limits", limits)
    project = cast.project(provider, origin_of(provider))
    sandbox.fault(provider=provider, project=PROJECTS[provider], on="file", fault="wrong_type")
    export = run_to_end(request_export(project, cast.member, type_, format_, options=options))
    assert export.error_code == "bad_file"
    assert may_fetch_again(export)
    sandbox.clear_faults()

    again = fetch_again(export, requester)
    assert (again.status, again.step, again.trigger, again.retry_of) == ("waiting", "poll", "retry", export)
    assert (again.remote_id, again.options) == (export.remote_id, export.options)
    assert run_to_end(again).status == states.SUCCEEDED, (again.error_code, again.error_message)
    assert sandbox.jobs(provider, PROJECTS[provider]) == 1
    export.refresh_from_db()
    assert export.status == states.FAILED


def test_a_file_that_was_deleted_is_fetched_again(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, requester: Requester
) -> None:
    export = run_to_end(request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders", "csv"))
    assert not may_fetch_again(export)
    delete_file(export, cast.owner.user)
    assert may_fetch_again(Export.objects.get(pk=export.pk))
    assert run_to_end(fetch_again(export, requester)).file.sha256 == export.file.sha256
    assert sandbox.jobs(TABLES, "4001") == 1


def test_history_and_log_say_so(cast: Cast, requester: Requester) -> None:
    export = factories.failed_export(cast, "no_file")
    again = fetch_again(export, requester)
    row = Change.objects.get(export=again)
    assert (row.source, row.actor) == ("person", cast.member.user.email)
    assert row.note == f"Fetching the file of job 77 again; nothing is requested. Retry of #{export.pk}."
    entry = AuditEntry.objects.order_by("-pk").first()
    assert (entry.verb, entry.user, entry.detail) == ("fetched again", cast.member.user, f"retry of #{export.pk}")


@pytest.mark.parametrize("code", sorted(states.ERROR_CODES))
def test_it_is_offered_after_failures_of_the_file_alone(cast: Cast, code: str) -> None:
    export = factories.failed_export(cast, code)
    assert may_fetch_again(export) == (code in FETCHABLE_ERROR_CODES)
    export.remote_id = ""
    assert not may_fetch_again(export)


def test_what_the_provider_s_file_noted_about_the_job_is_taken_along(cast: Cast, requester: Requester) -> None:
    export = factories.failed_export(cast, "no_file")
    Export.objects.filter(pk=export.pk).update(memo={"given": "x"}, baseline={"last": 5})
    again = fetch_again(Export.objects.get(pk=export.pk), requester)
    assert (again.memo, again.baseline) == ({"given": "x"}, {"last": 5})


def test_it_is_refused_while_the_export_is_open_or_its_job_not_known(cast: Cast, requester: Requester) -> None:
    with pytest.raises(ConflictError, match="still open"):
        fetch_again(factories.processing_export(cast), requester)
    unknown = factories.failed_export(cast, "rejected", allow_duplicate=True)
    unknown.remote_id = ""
    with pytest.raises(ConflictError, match="not known"):
        fetch_again(unknown, requester)


def test_two_clicks_make_one_export(cast: Cast, requester: Requester) -> None:
    export = factories.failed_export(cast, "no_file")
    first = fetch_again(export, requester)
    with pytest.raises(DuplicateError) as refused:
        fetch_again(export, requester)
    assert refused.value.export_id == first.pk


def test_it_is_refused_while_the_same_is_asked_for_anew(cast: Cast, requester: Requester) -> None:
    export = factories.failed_export(cast, "no_file")
    retry = factories.waiting_export(cast)
    with pytest.raises(DuplicateError) as refused:
        fetch_again(export, requester)
    assert refused.value.export_id == retry.pk


def test_a_kind_without_a_file_has_none_to_fetch(cast: Cast, requester: Requester) -> None:
    export = factories.failed_export(cast, "provider_failed", project=cast.project(CHANGING))
    assert not may_fetch_again(export)
    with pytest.raises(InvalidError, match="yields no file"):
        fetch_again(export, requester)


def test_where_the_provider_keeps_the_latest_file_only_an_older_one_is_not_fetched(
    cast: Cast, requester: Requester
) -> None:
    project = cast.project(VIDEOS)
    export = factories.failed_export(cast, "no_file", project=project)
    Export.objects.filter(pk=export.pk).update(submitted_at=timezone.now() - timedelta(hours=1))
    newer = factories.failed_export(cast, "no_file", project=project)
    Export.objects.filter(pk=newer.pk).update(submitted_at=timezone.now())
    with pytest.raises(ConflictError, match=f"Export {newer.pk} had its job made later"):
        fetch_again(Export.objects.get(pk=export.pk), requester)
    assert fetch_again(Export.objects.get(pk=newer.pk), requester).is_open
