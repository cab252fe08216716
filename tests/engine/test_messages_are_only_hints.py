"""Messages that come often, late, in another order or for nothing change nothing but when somebody looks."""

from collections.abc import Callable

import pytest

from exports import states, tasks
from exports.engine import crew, hooks
from exports.engine.advance import advance
from exports.engine.claim import claim_due
from exports.engine.crew import Crew
from exports.models import Call
from exports.sandbox.server import Sandbox
from tests.cast import Cast
from tests.drive import EVERY_STEP, ask, step

At = Callable[[str], str]


def test_a_message_without_a_worker_does_nothing(cast: Cast) -> None:
    export = ask(cast.project("ulule"), cast.member, "orders")
    for _ in range(5):
        tasks.work.apply(throw=True)
        tasks.advance.apply(args=(export.pk, 1), throw=True)
        tasks.poll.apply(args=([(export.pk, 1)],), throw=True)
    export.refresh_from_db()
    assert (export.status, export.fence) == (states.WAITING, 0)


def test_a_message_for_a_step_that_is_not_held_here_does_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    export = ask(cast.project("ulule"), cast.member, "orders")
    [claim] = claim_due(EVERY_STEP, 1)  # another process holds it
    monkeypatch.setattr(crew, "_crew", Crew("here", 2, advance))
    for fence in (claim.fence, claim.fence - 1, claim.fence + 1, claim.fence):
        tasks.advance.apply(args=(export.pk, fence), throw=True)
        tasks.poll.apply(args=([(export.pk, fence)],), throw=True)
    assert not Call.objects.exists()
    claim.settle(wait_note="it stood")


def test_a_storm_of_webhooks_is_one_look(cast: Cast, box: Sandbox, at: At) -> None:
    export = step(ask(cast.project("ulule", at("ulule")), cast.member, "orders"))
    before = Call.objects.filter(export=export).count()
    for _ in range(300):
        assert hooks.receive(export.pk, hooks.mark(export.pk))
    [claim] = claim_due(EVERY_STEP, 10)
    for _ in range(300):
        hooks.receive(export.pk, hooks.mark(export.pk))
    assert claim_due(EVERY_STEP, 10) == []
    advance(claim)
    assert Call.objects.filter(export=export).count() == before + 1
    export.refresh_from_db()
    assert not export.nudged


def test_a_webhook_before_the_request_was_answered_is_kept_for_later(cast: Cast, box: Sandbox, at: At) -> None:
    export = ask(cast.project("ulule", at("ulule")), cast.member, "orders")
    [claim] = claim_due(EVERY_STEP, 1)
    hooks.receive(export.pk, hooks.mark(export.pk))
    advance(claim)
    export.refresh_from_db()
    assert (export.status, box.jobs("ulule", "4001")) == (states.PROCESSING, 1)
    assert export.nudged


def test_a_worker_that_stops_gives_back_what_it_holds_but_no_request_under_way(cast: Cast) -> None:
    asked = ask(cast.project("ulule"), cast.member, "orders")
    watched = ask(cast.project("ulule", remote_id="4002"), cast.member, "orders", adopt="7")
    one = Crew("stops", 2, advance)
    for claim in claim_due(EVERY_STEP, 10):
        one.lanes[0].claims[claim.export.pk, claim.fence] = claim
    one.stop(grace=0)
    assert [claim.export.pk for claim in claim_due(EVERY_STEP, 10)] == [watched.pk]
    asked.refresh_from_db()
    assert asked.held_until is not None
