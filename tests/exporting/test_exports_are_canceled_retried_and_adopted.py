"""What people do to exports: cancel, retry, adopt, re-drive, write off."""

from collections.abc import Callable

import pytest

from exports import states
from exports.errors import ConflictError, DuplicateError, InvalidError
from exports.exporting import actions
from exports.exporting.actions import RetryDecision, RetryRefusal, may_retry
from exports.exporting.create import Requester
from exports.models import Change, Credential, Export
from exports.sandbox.server import Sandbox
from exports.steps.run import run_step
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, CHANGING
from tests.helpers.run_exports import claim_next_step, request_export, run_to_end, status_history, take_step

OriginOf = Callable[[str], str]


def waiting(cast: Cast, origin_of: OriginOf) -> Export:
    return request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive")


def failed(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> Export:
    rule = sandbox.fault(provider=ARCHIVES, project="100001", on="submit", fault="status", status=403, times=1)
    export = run_to_end(waiting(cast, origin_of))
    assert sandbox.fired(rule) == 1
    return export


def test_a_waiting_export_is_canceled_and_the_provider_never_asked(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    export = actions.cancel(waiting(cast, origin_of), actor="member@example.org", source="person")

    assert (export.status, export.step, export.next_step_at) == (states.CANCELED, states.NONE, None)
    row = Change.objects.filter(export=export).last()
    assert (row.source, row.actor) == ("person", "member@example.org")
    assert "Nothing was requested at" in row.note
    assert sandbox.ledger()["jobs"].get(ARCHIVES, {}) == {}


@pytest.mark.parametrize("at_step", [states.POLL, states.FETCH])
def test_an_export_can_be_canceled_in_every_step(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, at_step: str
) -> None:
    export = waiting(cast, origin_of)
    while take_step(export).step != at_step:
        pass
    claim = claim_next_step(export)
    actions.cancel(Export.objects.get(pk=export.pk), actor="x@example.org", source="api")
    run_step(claim)
    export.refresh_from_db()

    assert export.status == states.CANCELED
    assert status_history(export)[-1] == ("processing", "canceled")
    assert export.file is None


def test_either_cancel_or_success_wins(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    export = run_to_end(waiting(cast, origin_of))
    with pytest.raises(ConflictError):
        actions.cancel(export, actor="x@example.org", source="person")
    assert status_history(export)[-1] == ("processing", "succeeded")


def test_an_acceptance_after_the_cancel_keeps_the_jobs_id(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    export = waiting(cast, origin_of)
    claim = claim_next_step(export)
    original = claim.check

    def cancel_first() -> None:
        original()
        actions.cancel(Export.objects.get(pk=export.pk), actor="x@example.org", source="person")

    claim.check = cancel_first  # the moment before the request leaves
    run_step(claim)
    export.refresh_from_db()
    assert export.status == states.CANCELED
    assert export.remote_id
    assert "Found the job after all" in Change.objects.filter(export=export).last().note


def test_a_retry_is_a_new_export_that_points_at_the_old(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    old = failed(cast, sandbox, origin_of)
    new = actions.retry(old, Requester(cast.owner.user))
    old.refresh_from_db()

    assert (new.retry_of, new.trigger, new.user, new.status) == (old, "retry", cast.owner.user, states.WAITING)
    assert old.status == states.FAILED
    assert run_to_end(new).status == states.SUCCEEDED


def test_a_double_click_on_retry_makes_one_export(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    old = failed(cast, sandbox, origin_of)
    new = actions.retry(old, Requester(cast.owner.user))
    with pytest.raises(DuplicateError) as caught:
        actions.retry(old, Requester(cast.owner.user))
    assert caught.value.export_id == new.pk


def test_an_open_export_is_not_retried(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    with pytest.raises(ConflictError):
        actions.retry(waiting(cast, origin_of), Requester(cast.owner.user))


def test_adopting_watches_the_job_and_submits_nothing(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    sandbox.fault(provider=ARCHIVES, project="100001", on="submit", fault="lost_answer", times=1)
    lost = run_to_end(waiting(cast, origin_of))
    assert lost.error_code == "unconfirmed"
    [made] = sandbox.ledger()["submissions"]

    export = actions.adopt(lost, str(made["id"]), Requester(cast.member.user))
    assert (export.retry_of, export.trigger, export.step) == (lost, "adopt", states.POLL)
    export = run_to_end(export)

    assert export.status == states.SUCCEEDED
    assert status_history(export) == [(None, "waiting"), ("waiting", "processing"), ("processing", "succeeded")]
    assert sandbox.ledger()["jobs"][ARCHIVES] == {"100001": 1}


def test_adopting_an_unknown_job_fails(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    export = run_to_end(actions.adopt(failed(cast, sandbox, origin_of), "987654", Requester(cast.member.user)))
    assert (export.status, export.error_code) == (states.FAILED, "not_found")


def test_adopting_another_projects_job_is_refused(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    other = run_to_end(request_export(cast.project(ARCHIVES, origin_of(ARCHIVES), "100003"), cast.member, "archive"))
    export = run_to_end(actions.adopt(failed(cast, sandbox, origin_of), other.remote_id, Requester(cast.member.user)))
    assert (export.status, export.error_code) == (states.FAILED, "unreadable")


@pytest.mark.parametrize("remote_id", ["", "a/b", "a?b", "a#b", "x" * 201, "a\0b", "a\nb"])
def test_an_invalid_job_id_is_refused(cast: Cast, sandbox: Sandbox, origin_of: OriginOf, remote_id: str) -> None:
    with pytest.raises(InvalidError) as caught:
        actions.adopt(failed(cast, sandbox, origin_of), remote_id, Requester(cast.member.user))
    assert list(caught.value.errors) == ["remote_id"]


def test_staff_can_redrive_an_export_or_write_it_off_with_a_reason(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    export = take_step(waiting(cast, origin_of))
    before = export.next_step_at
    actions.redrive(export, actor="staff@example.org")
    export.refresh_from_db()
    assert export.next_step_at < before

    with pytest.raises(InvalidError):
        actions.write_off(export, actor="staff@example.org", reason=" ")
    export = actions.write_off(export, actor="staff@example.org", reason="The project is gone.")
    row = Change.objects.filter(export=export).last()
    assert (export.status, row.source, row.note) == (states.CANCELED, "staff", "The project is gone.")


def test_one_policy_says_what_may_be_retried(cast: Cast) -> None:
    assert may_retry(factories.processing_export(cast)).refusal is RetryRefusal.OPEN

    copy = factories.failed_export(cast, allow_duplicate=True)
    assert may_retry(copy) == RetryDecision()
    assert may_retry(copy, in_bulk=True) == RetryDecision()
    assert may_retry(copy, retry_pk=9)
    assert may_retry(copy, in_bulk=True, retry_pk=9).refusal is RetryRefusal.ALREADY_RETRIED

    change = factories.failed_export(cast, project=cast.project(CHANGING))
    assert may_retry(change)
    assert may_retry(change).needs_confirmation
    assert may_retry(change, in_bulk=True).refusal is RetryRefusal.NEEDS_CONFIRMATION

    Export.objects.filter(pk=copy.pk).update(type="gone")
    assert may_retry(Export.objects.get(pk=copy.pk)).refusal is RetryRefusal.UNKNOWN_KIND


@pytest.mark.parametrize("gone", ["type", "provider"])
def test_what_the_portal_no_longer_has_is_not_retried(cast: Cast, gone: str) -> None:
    export = factories.failed_export(cast)
    if gone == "type":
        Export.objects.filter(pk=export.pk).update(type="gone")
    else:
        Credential.objects.filter(pk=export.project.credential_id).update(provider="gone")
    with pytest.raises(InvalidError) as caught:
        actions.retry(Export.objects.get(pk=export.pk), Requester(cast.member.user))
    assert list(caught.value.errors) == ["type"]
