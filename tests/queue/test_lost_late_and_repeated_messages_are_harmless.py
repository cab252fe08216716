"""Messages that come often, late, in another order or for nothing change nothing but when somebody looks."""

from collections.abc import Callable

import pytest

from exports import states, tasks
from exports.engine import crew
from exports.engine.crew import Crew
from exports.models import Call
from exports.queue import inbound_webhooks
from exports.sandbox.server import Sandbox
from exports.steps.run import run_step
from tests.helpers.cast import Cast
from tests.helpers.run_exports import EVERY_STEP, claim_due, request_export, take_step

At = Callable[[str], str]


def test_a_message_without_a_worker_does_nothing(cast: Cast) -> None:
    export = request_export(cast.project("ulule"), cast.member, "orders")
    for _ in range(5):
        tasks.work.apply(throw=True)
        tasks.advance.apply(args=(export.pk, 1), throw=True)
        tasks.poll.apply(args=([(export.pk, 1)],), throw=True)
    export.refresh_from_db()
    assert (export.status, export.fence) == (states.WAITING, 0)


def test_a_message_for_a_step_that_is_not_held_here_does_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    export = request_export(cast.project("ulule"), cast.member, "orders")
    [claim] = claim_due(EVERY_STEP, 1)  # another process holds it
    monkeypatch.setattr(crew, "_crew", Crew("here", 2, run_step))
    for fence in (claim.fence, claim.fence - 1, claim.fence + 1, claim.fence):
        tasks.advance.apply(args=(export.pk, fence), throw=True)
        tasks.poll.apply(args=([(export.pk, fence)],), throw=True)
    assert not Call.objects.exists()
    claim.settle(wait_note="it stood")


def test_a_storm_of_webhooks_is_one_look(cast: Cast, sandbox: Sandbox, at: At) -> None:
    export = take_step(request_export(cast.project("ulule", at("ulule")), cast.member, "orders"))
    before = Call.objects.filter(export=export).count()
    for _ in range(300):
        assert inbound_webhooks.receive_webhook(export.pk, inbound_webhooks.url_signature(export.pk))
    [claim] = claim_due(EVERY_STEP, 10)
    for _ in range(300):
        inbound_webhooks.receive_webhook(export.pk, inbound_webhooks.url_signature(export.pk))
    assert claim_due(EVERY_STEP, 10) == []
    run_step(claim)
    assert Call.objects.filter(export=export).count() == before + 1
    export.refresh_from_db()
    assert not export.wake_requested


def test_a_webhook_before_the_request_was_answered_is_kept_for_later(cast: Cast, sandbox: Sandbox, at: At) -> None:
    export = request_export(cast.project("ulule", at("ulule")), cast.member, "orders")
    [claim] = claim_due(EVERY_STEP, 1)
    inbound_webhooks.receive_webhook(export.pk, inbound_webhooks.url_signature(export.pk))
    run_step(claim)
    export.refresh_from_db()
    assert (export.status, sandbox.jobs("ulule", "4001")) == (states.PROCESSING, 1)
    assert export.wake_requested


def test_a_worker_that_stops_gives_back_what_it_holds_but_no_request_under_way(cast: Cast) -> None:
    asked = request_export(cast.project("ulule"), cast.member, "orders")
    watched = request_export(cast.project("ulule", remote_id="4002"), cast.member, "orders", adopt="7")
    one = Crew("stops", 2, run_step)
    for claim in claim_due(EVERY_STEP, 10):
        one.lanes[0].claims[claim.export.pk, claim.fence] = claim
    one.stop(grace=0)
    assert [claim.export.pk for claim in claim_due(EVERY_STEP, 10)] == [watched.pk]
    asked.refresh_from_db()
    assert asked.held_until is not None
