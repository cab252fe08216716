"""No crash, retry or lost answer makes the portal ask a provider twice."""

from collections.abc import Callable

import pytest
from pytest_django.fixtures import Settings

from exports import clock, states
from exports.models import Call, Change, Export
from exports.providers.registry import PROVIDERS
from exports.queue.leases import Claim
from exports.sandbox.server import Sandbox
from exports.steps.run import run_step
from tests.helpers.cast import PROJECTS, Cast
from tests.helpers.roles import ARCHIVES, TABLES, VIDEOS
from tests.helpers.run_exports import claim_next_step, request_export, run_to_end, take_step
from tests.helpers.samples import PROVABLE, SEARCHABLE, SENT_ONCE

pytestmark = pytest.mark.postgresql

OriginOf = Callable[[str], str]
TYPE_OF_EACH_PROVIDER = {slug: PROVIDERS[slug].kinds[0].type for slug in SENT_ONCE}


def jobs_created(sandbox: Sandbox, provider: str) -> int:
    return int(sandbox.ledger()["jobs"].get(provider, {}).get(PROJECTS[provider], 0))


@pytest.mark.parametrize(("provider", "type_"), TYPE_OF_EACH_PROVIDER.items())
@pytest.mark.parametrize("fault", ["lost_answer", "half_answer", "garbage"])
def test_a_job_that_was_made_is_found_or_a_person_decides(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, provider: str, type_: str, fault: str
) -> None:
    rule = sandbox.fault(provider=provider, project=PROJECTS[provider], on="submit", fault=fault, times=1)
    export = run_to_end(request_export(cast.project(provider, origin_of(provider)), cast.member, type_))

    assert sandbox.fired(rule) == 1
    assert jobs_created(sandbox, provider) == 1
    if provider in SEARCHABLE:
        assert export.status == states.SUCCEEDED, export.error_message
    else:
        assert (export.status, export.error_code, export.error_action) == (states.FAILED, "unconfirmed", "you")


@pytest.mark.parametrize("provider", [slug for slug in PROVABLE if slug in SENT_ONCE])
def test_it_asks_again_where_the_search_proves_that_nothing_was_executed(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, provider: str
) -> None:
    rule = sandbox.fault(
        provider=provider, project=PROJECTS[provider], on="submit", fault="status", status=500, times=1
    )
    export = run_to_end(
        request_export(cast.project(provider, origin_of(provider)), cast.member, TYPE_OF_EACH_PROVIDER[provider])
    )

    assert sandbox.fired(rule) == 1
    assert export.status == states.SUCCEEDED
    assert jobs_created(sandbox, provider) == 1


def test_one_search_is_no_proof(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    sandbox.fault(provider=TABLES, project="4001", on="submit", fault="cut", times=1)
    export = request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders")

    take_step(export)
    pauses = []
    for _ in range(3):
        before = clock.now()
        export = take_step(export)
        assert export.request_sent_at is not None
        pauses.append((export.next_step_at - before).total_seconds())
    assert [round(pause, -1) for pause in pauses] == [30, 120, 120]
    export = take_step(export)
    assert (export.request_sent_at, export.may_ask_again) == (None, False)
    assert "once more" in Change.objects.filter(export=export).last().note


@pytest.mark.parametrize(("provider", "type_"), TYPE_OF_EACH_PROVIDER.items())
def test_a_worker_that_died_after_it_noted_the_intent_leads_to_a_search_and_no_second_request(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, provider: str, type_: str
) -> None:
    export = request_export(cast.project(provider, origin_of(provider)), cast.member, type_)
    claim = claim_next_step(export)
    claim.write(request_sent_at=claim.export.created_at, baseline={"last": 0})
    Export.objects.filter(pk=export.pk).update(held_until=None)

    take_step(export)
    assert jobs_created(sandbox, provider) == 0
    assert not Call.objects.filter(export=export, method="POST", url__contains="export").exists()


def test_a_request_that_never_left_is_sent_again(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, settings: Settings
) -> None:
    settings.PRIVATE_HOSTS = (*settings.PRIVATE_HOSTS, "127.0.0.1:9")
    project = cast.project(ARCHIVES, "http://127.0.0.1:9")
    export = request_export(project, cast.member, "archive")
    take_step(export)
    export.refresh_from_db()
    assert (export.status, export.request_sent_at, export.consecutive_failures) == (states.WAITING, None, 1)
    assert "could not be reached" in export.wait_note

    type(project.credential).objects.filter(pk=project.credential_id).update(origin=origin_of(ARCHIVES))
    assert run_to_end(export).status == states.SUCCEEDED
    assert jobs_created(sandbox, ARCHIVES) == 1


@pytest.mark.parametrize(("status", "code"), [(400, "rejected"), (403, "credential"), (404, "not_found")])
def test_a_refused_request_ends_with_the_reason_and_is_not_repeated(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, status: int, code: str
) -> None:
    sandbox.fault(provider=ARCHIVES, project="100001", on="submit", fault="status", status=status)
    export = run_to_end(request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive"))

    assert (export.status, export.error_code, export.error_action) == (states.FAILED, code, "you")
    assert Call.objects.filter(export=export, method="POST").count() == 1
    assert jobs_created(sandbox, ARCHIVES) == 0


def test_an_acceptance_that_names_another_project_is_not_taken(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    sandbox.fault(provider=ARCHIVES, project="100001", on="submit", fault="other_project")
    export = run_to_end(request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive"))

    assert (export.status, export.error_code) == (states.FAILED, "unreadable")
    assert Call.objects.filter(export=export, method="POST").count() == 1


def test_two_exports_of_one_project_do_not_adopt_each_others_jobs(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    sandbox.fault(provider=TABLES, project="4001", on="submit", fault="lost_answer", times=1)
    project = cast.project(TABLES, origin_of(TABLES))
    first = request_export(project, cast.member, "orders", "csv")
    second = request_export(project, cast.member, "orders", "csv", allow_duplicate=True)
    run_to_end(first)
    run_to_end(second)
    first.refresh_from_db()

    assert (first.status, second.status) == (states.SUCCEEDED, states.SUCCEEDED)
    assert first.remote_id != second.remote_id
    assert jobs_created(sandbox, TABLES) == 2


def test_a_project_that_runs_alone_waits_for_the_export_before(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    project = cast.project(VIDEOS, origin_of(VIDEOS))
    first = request_export(project, cast.member, "video", options={"resolution": "720"})
    second = request_export(project, cast.member, "video", options={"resolution": "4k"})
    take_step(first)
    assert str(first.pk) in take_step(second).wait_note
    assert (run_to_end(first).status, run_to_end(second).status) == (states.SUCCEEDED, states.SUCCEEDED)
    assert jobs_created(sandbox, VIDEOS) == 2


def test_an_acceptance_that_comes_after_the_lease_ended_is_taken(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    export = request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive")
    slow = claim_next_step(export)
    quick: list[Claim] = []
    original = slow.check

    def lose_claim() -> None:
        original()
        Export.objects.filter(pk=export.pk).update(held_until=None)
        quick.append(claim_next_step(export))  # another worker takes the step over while the answer is on its way

    slow.check = lose_claim
    run_step(slow)
    run_step(quick[0])
    export.refresh_from_db()
    assert (export.status, bool(export.remote_id)) == (states.PROCESSING, True)
    assert run_to_end(export).status == states.SUCCEEDED
    assert jobs_created(sandbox, ARCHIVES) == 1
