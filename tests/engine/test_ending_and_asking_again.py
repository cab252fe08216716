"""Cancel, retry, adopt, re-drive, write off: what people do to exports."""

from collections.abc import Callable

import pytest

from exports import states
from exports.engine import end
from exports.engine.advance import advance
from exports.engine.problem import ConflictError, InvalidError, TwinError
from exports.engine.request import Asker
from exports.models import Change, Export
from exports.sandbox.server import Sandbox
from tests.cast import Cast
from tests.drive import ask, claim_one, drive, step, story

At = Callable[[str], str]


def waiting(cast: Cast, at: At) -> Export:
    return ask(cast.project("playcanvas", at("playcanvas")), cast.member, "archive")


def failed(cast: Cast, box: Sandbox, at: At) -> Export:
    rule = box.fault(provider="playcanvas", project="100001", on="submit", fault="status", status=403, times=1)
    export = drive(waiting(cast, at))
    assert box.fired(rule) == 1
    return export


def test_a_waiting_export_is_canceled_and_the_provider_never_asked(cast: Cast, box: Sandbox, at: At) -> None:
    export = end.cancel(waiting(cast, at), actor="member@example.org", source="person")

    assert (export.status, export.step, export.next_step_at) == (states.CANCELED, states.NONE, None)
    row = Change.objects.filter(export=export).last()
    assert (row.source, row.actor) == ("person", "member@example.org")
    assert "was not asked" in row.note
    assert box.ledger()["jobs"].get("playcanvas", {}) == {}


@pytest.mark.parametrize("at_step", [states.POLL, states.FETCH])
def test_it_can_be_canceled_in_the_middle(cast: Cast, box: Sandbox, at: At, at_step: str) -> None:
    export = waiting(cast, at)
    while step(export).step != at_step:
        pass
    claim = claim_one(export)
    end.cancel(Export.objects.get(pk=export.pk), actor="x@example.org", source="api")
    advance(claim)
    export.refresh_from_db()

    assert export.status == states.CANCELED
    assert story(export)[-1] == ("processing", "canceled")
    assert export.file is None


def test_of_cancel_and_success_exactly_one_wins(cast: Cast, box: Sandbox, at: At) -> None:
    export = drive(waiting(cast, at))
    with pytest.raises(ConflictError):
        end.cancel(export, actor="x@example.org", source="person")
    assert story(export)[-1] == ("processing", "succeeded")


def test_an_acceptance_that_comes_after_the_cancel_keeps_its_id(cast: Cast, box: Sandbox, at: At) -> None:
    export = waiting(cast, at)
    claim = claim_one(export)
    original = claim.check

    def cancel_first() -> None:
        original()
        end.cancel(Export.objects.get(pk=export.pk), actor="x@example.org", source="person")

    claim.check = cancel_first  # the moment before the request leaves
    advance(claim)
    export.refresh_from_db()
    assert export.status == states.CANCELED
    assert export.remote_id
    assert "Accepted after all" in Change.objects.filter(export=export).last().note


def test_a_retry_is_a_new_export_that_points_at_the_old(cast: Cast, box: Sandbox, at: At) -> None:
    old = failed(cast, box, at)
    new = end.retry(old, Asker(cast.owner.user))
    old.refresh_from_db()

    assert (new.retry_of, new.trigger, new.user, new.status) == (old, "retry", cast.owner.user, states.WAITING)
    assert old.status == states.FAILED
    assert drive(new).status == states.SUCCEEDED


def test_a_double_click_on_retry_makes_one_export(cast: Cast, box: Sandbox, at: At) -> None:
    old = failed(cast, box, at)
    new = end.retry(old, Asker(cast.owner.user))
    with pytest.raises(TwinError) as caught:
        end.retry(old, Asker(cast.owner.user))
    assert caught.value.export_id == new.pk


def test_an_open_export_is_not_retried(cast: Cast, box: Sandbox, at: At) -> None:
    with pytest.raises(ConflictError):
        end.retry(waiting(cast, at), Asker(cast.owner.user))


def test_adopting_watches_the_job_and_submits_nothing(cast: Cast, box: Sandbox, at: At) -> None:
    box.fault(provider="playcanvas", project="100001", on="submit", fault="lost_answer", times=1)
    lost = drive(waiting(cast, at))
    assert lost.error_code == "unconfirmed"
    [made] = box.ledger()["submissions"]

    export = end.adopt(lost, str(made["id"]), Asker(cast.member.user))
    assert (export.retry_of, export.trigger, export.step) == (lost, "adopt", states.POLL)
    export = drive(export)

    assert export.status == states.SUCCEEDED
    assert story(export) == [(None, "waiting"), ("waiting", "processing"), ("processing", "succeeded")]
    assert box.ledger()["jobs"]["playcanvas"] == {"100001": 1}


def test_adopting_a_job_that_is_not_there_fails(cast: Cast, box: Sandbox, at: At) -> None:
    export = drive(end.adopt(failed(cast, box, at), "987654", Asker(cast.member.user)))
    assert (export.status, export.error_code) == (states.FAILED, "not_found")


def test_adopting_another_projects_job_is_refused(cast: Cast, box: Sandbox, at: At) -> None:
    other = drive(ask(cast.project("playcanvas", at("playcanvas"), "100003"), cast.member, "archive"))
    export = drive(end.adopt(failed(cast, box, at), other.remote_id, Asker(cast.member.user)))
    assert (export.status, export.error_code) == (states.FAILED, "unreadable")


@pytest.mark.parametrize("remote_id", ["", "a/b", "a?b", "a#b", "x" * 201, "a\0b", "a\nb"])
def test_a_job_id_that_cannot_be_one_is_refused(cast: Cast, box: Sandbox, at: At, remote_id: str) -> None:
    with pytest.raises(InvalidError) as caught:
        end.adopt(failed(cast, box, at), remote_id, Asker(cast.member.user))
    assert list(caught.value.errors) == ["remote_id"]


def test_staff_take_the_next_step_now_or_write_off_with_a_reason(cast: Cast, box: Sandbox, at: At) -> None:
    export = step(waiting(cast, at))
    before = export.next_step_at
    end.redrive(export)
    export.refresh_from_db()
    assert export.next_step_at < before

    with pytest.raises(InvalidError):
        end.write_off(export, actor="staff@example.org", reason=" ")
    export = end.write_off(export, actor="staff@example.org", reason="The project is gone.")
    row = Change.objects.filter(export=export).last()
    assert (export.status, row.source, row.note) == (states.CANCELED, "staff", "The project is gone.")
