"""A due step is claimed by one worker only, and its result counts only while the claim stands."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, connections

from exports import clock, states
from exports.models import Export
from exports.queue import inbound_webhooks
from exports.queue.leases import Claim, LostClaimError, release, renew
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import EVERY_STEP, claim_due, create_due_exports, request_export

pytestmark = pytest.mark.postgresql


def request_three(cast: Cast) -> list[Export]:
    project = cast.project(TABLES)
    return [request_export(project, cast.member, "orders", allow_duplicate=True) for _ in range(3)]


def test_a_claimed_step_is_not_due_until_its_lease_ends(cast: Cast) -> None:
    request_three(cast)
    claims = claim_due(EVERY_STEP, 10)
    assert len(claims) == 3
    assert claim_due(EVERY_STEP, 10) == []
    Export.objects.update(held_until=clock.now() - timedelta(seconds=1))
    assert len(claim_due(EVERY_STEP, 10)) == 3
    for claim in claims:
        with pytest.raises(LostClaimError):
            claim.settle(wait_note="too late")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="Only PostgreSQL writes indexes anew with each row.")
def test_a_claim_writes_no_index_though_the_pages_of_the_table_are_filled(cast: Cast) -> None:
    create_due_exports(cast.project(TABLES), cast.member, 150, clock.seconds_from_now(3600))
    create_due_exports(cast.project(TABLES), cast.member, 3, clock.now())
    create_due_exports(cast.project(TABLES), cast.member, 50, clock.seconds_from_now(3600))

    def updates() -> tuple[int, int]:
        with connection.cursor() as cursor:
            of = "('exports_export'::regclass)"
            cursor.execute(f"SELECT pg_stat_get_xact_tuples_updated{of}, pg_stat_get_xact_tuples_hot_updated{of}")
            counts: tuple[int, int] = cursor.fetchone()
        return counts

    before = updates()
    assert len(claim_due(EVERY_STEP, 1)) == 1
    after = updates()
    # Reserved, then begun. In one transaction the page has room for the two versions of one row.
    assert (after[0] - before[0], after[1] - before[1]) == (2, 2)


def test_no_more_is_claimed_than_there_are_slots_and_the_oldest_first(cast: Cast) -> None:
    exports = request_three(cast)
    claims = claim_due(EVERY_STEP, 2)
    assert [claim.export.pk for claim in claims] == [export.pk for export in exports[:2]]
    assert claim_due((states.FETCH,), 10) == []


def test_renewing_marks_the_claims_that_are_lost(cast: Cast) -> None:
    request_three(cast)
    standing, released, canceled = claim_due(EVERY_STEP, 3)
    release(released)
    Export.objects.filter(pk=canceled.export.pk).first().move(states.CANCELED, source="person")
    renew([standing, released, canceled])
    assert [claim.lost for claim in (standing, released, canceled)] == [False, True, True]
    standing.check()
    with pytest.raises(LostClaimError):
        released.check()


def test_a_worker_that_slept_past_its_lease_sends_nothing(cast: Cast) -> None:
    request_three(cast)
    claim = claim_due(EVERY_STEP, 1)[0]
    claim.lease_until = time.monotonic() - 0.1
    with pytest.raises(LostClaimError):
        claim.check()


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_once_never_claim_the_same_export(cast: Cast) -> None:
    project = cast.project(TABLES)
    for _ in range(60):
        request_export(project, cast.member, "orders", allow_duplicate=True)
    claimed: list[Claim] = []

    def work() -> None:
        while claims := claim_due(EVERY_STEP, 7):
            claimed.extend(claims)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claim.export.pk for claim in claimed) == sorted(Export.objects.values_list("pk", flat=True))


def test_a_webhook_brings_the_next_step_forward_but_breaks_no_claim(cast: Cast) -> None:
    export = request_three(cast)[0]
    [claim] = [claim for claim in claim_due(EVERY_STEP, 3) if claim.export.pk == export.pk]
    until = claim.export.next_step_at
    assert inbound_webhooks.receive_webhook(export.pk, inbound_webhooks.url_signature(export.pk))
    export.refresh_from_db()
    assert (export.next_step_at, export.wake_requested) == (until, True)

    claim.settle(next_step_at=clock.seconds_from_now(60), wake_requested=False)
    assert not inbound_webhooks.receive_webhook(export.pk, "0" * 40)
    export.refresh_from_db()
    assert export.next_step_at > clock.seconds_from_now(50)
    assert inbound_webhooks.receive_webhook(export.pk, inbound_webhooks.url_signature(export.pk))
    export.refresh_from_db()
    assert export.next_step_at <= clock.now()
