"""A due step is taken by one worker; a result counts only while the claim stands."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, connections

from exports import states
from exports.engine import clock, hooks
from exports.engine.claim import Claim, LostClaimError, claim_due, release, renew
from exports.models import Export
from tests.cast import Cast
from tests.drive import EVERY_STEP, ask, pile


def three(cast: Cast) -> list[Export]:
    project = cast.project("ulule")
    return [ask(project, cast.member, "orders", allow_twin=True) for _ in range(3)]


def test_a_claimed_step_is_not_due_until_its_lease_ends(cast: Cast) -> None:
    three(cast)
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
    pile(cast.project("ulule"), cast.member, 150, clock.after(3600))
    pile(cast.project("ulule"), cast.member, 3, clock.now())
    pile(cast.project("ulule"), cast.member, 50, clock.after(3600))

    def updates() -> tuple[int, int]:
        with connection.cursor() as cursor:
            of = "('exports_export'::regclass)"
            cursor.execute(f"SELECT pg_stat_get_xact_tuples_updated{of}, pg_stat_get_xact_tuples_hot_updated{of}")
            found: tuple[int, int] = cursor.fetchone()
        return found

    before = updates()
    assert len(claim_due(EVERY_STEP, 10)) == 3
    after = updates()
    assert (after[0] - before[0], after[1] - before[1]) == (3, 3)


def test_it_claims_no_more_than_there_are_slots_the_longest_waiting_first(cast: Cast) -> None:
    exports = three(cast)
    claims = claim_due(EVERY_STEP, 2)
    assert [claim.export.pk for claim in claims] == [export.pk for export in exports[:2]]
    assert claim_due((states.FETCH,), 10) == []


def test_a_renewed_claim_stands_and_a_lost_one_says_so(cast: Cast) -> None:
    three(cast)
    one, two, three_ = claim_due(EVERY_STEP, 3)
    release(two)
    Export.objects.filter(pk=three_.export.pk).first().move(states.CANCELED, source="person")
    renew([one, two, three_])
    assert [claim.lost for claim in (one, two, three_)] == [False, True, True]
    one.check()
    with pytest.raises(LostClaimError):
        two.check()


def test_a_worker_that_slept_past_its_lease_sends_nothing(cast: Cast) -> None:
    three(cast)
    claim = claim_due(EVERY_STEP, 1)[0]
    claim.held_until = time.monotonic() - 0.1
    with pytest.raises(LostClaimError):
        claim.check()


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_never_claim_the_same(cast: Cast) -> None:
    project = cast.project("ulule")
    for _ in range(60):
        ask(project, cast.member, "orders", allow_twin=True)
    claimed: list[Claim] = []

    def work() -> None:
        while found := claim_due(EVERY_STEP, 7):
            claimed.extend(found)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claim.export.pk for claim in claimed) == sorted(Export.objects.values_list("pk", flat=True))


def test_a_hint_brings_the_next_step_forward_but_never_breaks_a_claim(cast: Cast) -> None:
    export = three(cast)[0]
    [claim] = [claim for claim in claim_due(EVERY_STEP, 3) if claim.export.pk == export.pk]
    until = claim.export.next_step_at
    assert hooks.receive(export.pk, hooks.mark(export.pk))
    export.refresh_from_db()
    assert (export.next_step_at, export.nudged) == (until, True)

    claim.settle(next_step_at=clock.after(60), nudged=False)
    assert not hooks.receive(export.pk, "0" * 40)
    export.refresh_from_db()
    assert export.next_step_at > clock.after(50)
    assert hooks.receive(export.pk, hooks.mark(export.pk))
    export.refresh_from_db()
    assert export.next_step_at <= clock.now()
