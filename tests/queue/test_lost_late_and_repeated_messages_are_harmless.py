"""Messages that are lost, late, repeated or out of order change nothing but the time of a step."""

from collections.abc import Callable, Sequence

import pytest
from django.db import transaction

from exports import clock, states, tasks
from exports.models import Call, Export
from exports.queue import inbound_webhooks, leases
from exports.queue.lease_keeper import LeaseKeeper
from exports.queue.leases import Reserved
from exports.sandbox.server import Sandbox
from exports.steps.run import run_step
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import EVERY_STEP, claim_due, request_export, take_step

OriginOf = Callable[[str], str]


def reserve(steps: Sequence[str] = EVERY_STEP) -> list[Reserved]:
    """Reserves exports as the dispatcher does, without publishing a message."""
    with transaction.atomic():
        return leases.reserve(steps, 10, clock.now(), [])


@pytest.mark.django_db(transaction=True)
def test_a_message_for_what_was_never_reserved_does_nothing(cast: Cast) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders")
    for _ in range(5):
        tasks.submit(export.pk, 1)
        tasks.poll([(export.pk, 1)])
        tasks.fetch(export.pk, 0)
    export.refresh_from_db()
    assert (export.status, export.fence) == (states.WAITING, 0)
    assert not Call.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_message_for_a_step_that_another_process_has_begun_does_nothing(cast: Cast) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders")
    [claim] = claim_due(EVERY_STEP, 1)  # another process has begun it
    for fence in (claim.fence, claim.fence - 1, claim.fence + 1, claim.fence):
        tasks.submit(export.pk, fence)
        tasks.poll([(export.pk, fence)])
    assert not Call.objects.exists()
    claim.settle(wait_note="it stood")


def test_a_message_that_comes_twice_is_begun_once(cast: Cast) -> None:
    request_export(cast.project(TABLES), cast.member, "orders")
    [reserved] = reserve()
    assert len(leases.begin([(reserved.export_id, reserved.fence)])) == 1
    assert leases.begin([(reserved.export_id, reserved.fence)]) == []


def test_a_reservation_that_ran_out_in_the_queue_is_due_again_and_no_crash(cast: Cast) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders")
    [late] = reserve()
    assert reserve() == []
    Export.objects.update(held_until=clock.seconds_from_now(-1))
    assert leases.begin([(late.export_id, late.fence)]) == []
    [again] = reserve()
    assert again.fence == late.fence + 1
    assert leases.begin([(late.export_id, late.fence)]) == []
    export.refresh_from_db()
    assert export.crash_count == 0


def test_a_step_that_began_and_never_ended_counts_as_a_crash(cast: Cast) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders")
    for _ in range(2):
        [reserved] = reserve()
        assert leases.begin([(reserved.export_id, reserved.fence)])
        Export.objects.update(held_until=clock.seconds_from_now(-1))
    export.refresh_from_db()
    assert export.crash_count == 2


def test_a_storm_of_webhooks_is_one_poll(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    export = take_step(request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders"))
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


def test_a_webhook_before_the_request_was_answered_is_kept_for_later(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    export = request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders")
    [claim] = claim_due(EVERY_STEP, 1)
    inbound_webhooks.receive_webhook(export.pk, inbound_webhooks.url_signature(export.pk))
    run_step(claim)
    export.refresh_from_db()
    assert (export.status, sandbox.jobs(TABLES, "4001")) == (states.PROCESSING, 1)
    assert export.wake_requested


def test_a_stopping_worker_releases_its_claims_except_a_request_under_way(cast: Cast) -> None:
    requested = request_export(cast.project(TABLES), cast.member, "orders")
    adopted = request_export(cast.project(TABLES, remote_id="4002"), cast.member, "orders", adopt="7")
    keeper = LeaseKeeper()
    claims = claim_due(EVERY_STEP, 10)
    keeper.claims = {(claim.export.pk, claim.fence): claim for claim in claims}
    keeper.give_back()
    assert [claim.export.pk for claim in claim_due(EVERY_STEP, 10)] == [adopted.pk]
    requested.refresh_from_db()
    assert requested.held_until is not None
