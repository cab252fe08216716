"""When more is due than there are slots, many exports of one team do not delay the single export of another."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from exports import clock
from exports.models import Credential, Export, Project
from exports.states import POLL, SUBMIT
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import EVERY_STEP, claim_due, create_due_exports, in_hand, request_export

pytestmark = pytest.mark.postgresql

SLOTS = 16


def project_of_other_team(cast: Cast) -> Project:
    """Creates a project of the other team."""
    credential = Credential.objects.create(team=cast.other_team, provider=TABLES, name="theirs")
    return Project.objects.create(team=cast.other_team, credential=credential, remote_id="4002", name="Theirs")


def test_a_single_export_of_another_team_is_in_the_next_claim(cast: Cast) -> None:
    create_due_exports(cast.project(TABLES), cast.member, 5000, clock.seconds_from_now(-600))
    [single] = create_due_exports(project_of_other_team(cast), cast.outsider, 1, clock.seconds_from_now(-1))

    claimed = [claim.export.pk for claim in claim_due(EVERY_STEP, SLOTS)]
    assert len(claimed) == SLOTS
    assert single.pk in claimed


@pytest.mark.slow(seconds=6)
def test_a_single_export_of_another_project_of_the_same_team_is_in_the_next_claim(cast: Cast) -> None:
    create_due_exports(cast.project(TABLES), cast.member, 5000, clock.seconds_from_now(-600))
    [single] = create_due_exports(cast.project(TABLES, remote_id="4002"), cast.member, 1, clock.seconds_from_now(-1))

    claimed = [claim.export.pk for claim in claim_due(EVERY_STEP, SLOTS)]
    assert len(claimed) == SLOTS
    assert single.pk in claimed


def test_the_running_exports_of_a_team_count(cast: Cast) -> None:
    """The other team is next, though its exports have waited less: the first team has all the slots that are busy."""
    create_due_exports(cast.project(TABLES), cast.member, 100, clock.seconds_from_now(-600))
    busy = claim_due(EVERY_STEP, SLOTS)
    theirs = {
        export.pk
        for export in create_due_exports(project_of_other_team(cast), cast.outsider, 20, clock.seconds_from_now(-1))
    }

    claimed = {claim.export.pk for claim in claim_due(EVERY_STEP, 8, in_hand(busy))}
    assert claimed <= theirs
    assert len(claimed) == 8


def test_two_teams_share_the_slots_evenly(cast: Cast) -> None:
    create_due_exports(cast.project(TABLES), cast.member, 100, clock.seconds_from_now(-600))
    theirs = {
        export.pk
        for export in create_due_exports(project_of_other_team(cast), cast.outsider, 100, clock.seconds_from_now(-1))
    }

    claimed = {claim.export.pk for claim in claim_due(EVERY_STEP, SLOTS)}
    assert len(claimed & theirs) == 8  # as many as one claim considers of one project
    assert len(claimed) == SLOTS


def test_a_team_alone_has_all_the_slots_and_its_oldest_come_first(cast: Cast) -> None:
    old = {
        export.pk
        for export in create_due_exports(cast.project(TABLES), cast.member, SLOTS, clock.seconds_from_now(-600))
    }
    create_due_exports(cast.project(TABLES), cast.member, 50, clock.seconds_from_now(-60))

    assert {claim.export.pk for claim in claim_due(EVERY_STEP, SLOTS)} == old


def test_exports_that_are_due_for_another_step_are_not_claimed(cast: Cast) -> None:
    create_due_exports(cast.project(TABLES), cast.member, 40, clock.seconds_from_now(-600))
    [other] = create_due_exports(project_of_other_team(cast), cast.outsider, 1, clock.seconds_from_now(-600))
    Export.objects.filter(pk=other.pk).update(step=POLL)

    assert other.pk not in {claim.export.pk for claim in claim_due((SUBMIT,), SLOTS)}
    assert [claim.export.pk for claim in claim_due((POLL,), SLOTS)] == [other.pk]


def test_every_due_export_is_claimed_once(cast: Cast) -> None:
    """Over many claims no export is left out, and none is claimed twice."""
    create_due_exports(cast.project(TABLES), cast.member, 90, clock.seconds_from_now(-600))
    create_due_exports(cast.project(TABLES, remote_id="4002"), cast.member, 30, clock.seconds_from_now(-300))
    create_due_exports(project_of_other_team(cast), cast.outsider, 7, clock.seconds_from_now(-1))

    seen: list[int] = []
    while claims := claim_due(EVERY_STEP, SLOTS):
        seen += [claim.export.pk for claim in claims]
    assert sorted(seen) == sorted(Export.objects.values_list("pk", flat=True))


@pytest.mark.parametrize("seconds", [0, 60])
def test_nothing_is_claimed_before_its_time(cast: Cast, seconds: int) -> None:
    create_due_exports(cast.project(TABLES), cast.member, 30, clock.seconds_from_now(-600))
    single = request_export(project_of_other_team(cast), cast.outsider, "orders")
    Export.objects.filter(pk=single.pk).update(next_step_at=clock.now() + timedelta(seconds=seconds))

    claimed = {claim.export.pk for claim in claim_due(EVERY_STEP, SLOTS)}
    assert (single.pk in claimed) == (seconds == 0)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_claimed_while_another_transaction_locks_all_that_is_due(cast: Cast) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders")
    Export.objects.filter(pk=export.pk).update(next_step_at=clock.seconds_from_now(-60))
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks the whole database; no other transaction can lock a row.")
    locked, finished = threading.Event(), threading.Event()

    def lock_rows() -> None:
        with transaction.atomic():
            list(Export.objects.select_for_update())
            locked.set()
            finished.wait(30)
        connection.close()

    thread = threading.Thread(target=lock_rows)
    thread.start()
    locked.wait(30)
    try:
        assert claim_due(EVERY_STEP, 10) == []
    finally:
        finished.set()
        thread.join()
    assert len(claim_due(EVERY_STEP, 10)) == 1
