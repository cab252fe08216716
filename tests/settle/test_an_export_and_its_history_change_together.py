"""An export and its history change together, also where both are written by one statement."""

import pytest
from django.db import IntegrityError, connection, transaction

from exports import clock, states
from exports.models import Change, Export
from exports.queue.leases import LostClaimError
from exports.settle.outcome import postpone, settle_with_history
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import claim_next_step, request_export

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def history(export: Export) -> list[tuple[int, str, str]]:
    return list(Change.objects.filter(export=export).values_list("seq", "to_status", "note"))


def refuse_first(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """The first statement that carries an update finds that another row took its number, as two transactions at once
    would bring about.
    """
    refused: list[bool] = []
    append = Change.append

    def refuse(*args: object, **options: object) -> bool:
        if options.get("update") and not refused:
            refused.append(True)
            raise IntegrityError("change_seq_once")
        return bool(append(*args, **options))  # type: ignore[arg-type]

    monkeypatch.setattr(Change, "append", refuse)
    return refused


def test_a_move_writes_one_row(cast: Cast) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders")
    assert export.move(states.CANCELED, source="person", actor="owner@example.org", note="Enough.")
    export.refresh_from_db()
    assert (export.status, export.step, export.next_step_at) == (states.CANCELED, states.NONE, None)
    assert history(export)[1:] == [(2, states.CANCELED, "Enough.")]


def test_a_move_of_what_has_moved_already_writes_nothing_and_leaves_the_object_alone(cast: Cast) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders")
    stale = Export.objects.get(pk=export.pk)
    assert export.move(states.CANCELED, source="person")
    assert not stale.move(states.PROCESSING, source="worker", remote_id="7", progress=3.0)
    assert (stale.status, stale.remote_id, stale.progress) == (states.WAITING, "", None)
    assert len(history(export)) == 2


def test_a_move_whose_number_was_taken_meanwhile_is_made_all_the_same(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders")
    refused = refuse_first(monkeypatch)
    assert export.move(states.PROCESSING, source="worker", note="Taken.", step=states.POLL)
    assert refused == [True] * (connection.vendor == "postgresql")
    assert history(export)[1:] == [(2, states.PROCESSING, "Taken.")]
    assert Export.objects.get(pk=export.pk).status == states.PROCESSING


def test_a_move_inside_a_transaction_that_fails_is_undone_on_the_object_too(cast: Cast) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders")
    with pytest.raises(IntegrityError), transaction.atomic():
        export.move(states.SUCCEEDED, source="worker")  # without a file, the table refuses it
    assert export.status == states.WAITING
    assert len(history(Export.objects.get(pk=export.pk))) == 1


@pytest.mark.parametrize("taken", [False, True], ids=["alone", "beside another row"])
def test_a_new_word_of_the_provider_is_settled_with_its_row(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders", adopt="7")
    claim = claim_next_step(export)
    if taken:
        refuse_first(monkeypatch)
    at = clock.seconds_from_now(30)
    settle_with_history(claim, source="poll", note="In line.", provider_status="queued", next_step_at=at, polls=1)
    export.refresh_from_db()
    assert (export.provider_status, export.polls, export.held_until, export.next_step_at) == ("queued", 1, None, at)
    assert history(export)[-1] == (2, states.WAITING, "In line.")
    assert not claim.lost


def test_a_hint_during_the_step_makes_the_next_one_due_at_once(cast: Cast) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders", adopt="7")
    claim = claim_next_step(export)
    Export.objects.filter(pk=export.pk).update(wake_requested=True)
    later = clock.seconds_from_now(300)
    settle_with_history(claim, source="poll", provider_status="queued", next_step_at=later)
    export.refresh_from_db()
    assert export.next_step_at is not None
    assert export.next_step_at < clock.seconds_from_now(1)
    assert not export.wake_requested


def test_a_lost_claim_writes_neither(cast: Cast) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders", adopt="7")
    claim = claim_next_step(export)
    Export.objects.filter(pk=export.pk).update(fence=claim.fence + 1)
    with pytest.raises(LostClaimError):
        settle_with_history(claim, source="poll", provider_status="queued", next_step_at=clock.seconds_from_now(9))
    with pytest.raises(LostClaimError):
        postpone(claim, 5.0)
    assert Export.objects.get(pk=export.pk).provider_status == ""
    assert len(history(export)) == 1
