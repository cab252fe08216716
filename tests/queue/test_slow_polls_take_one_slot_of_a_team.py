"""Polls of slow providers go together, with the long limit; those of one team take one slot at a time."""

from collections.abc import Callable, Sequence

import pytest

from exports import clock, states
from exports.models import Credential, Export, Heartbeat, Project
from exports.queue import dispatcher
from exports.queue.capacity import QUEUES
from exports.queue.deferred_calls import free_slot
from exports.queue.dispatcher import Message
from exports.sandbox.server import Sandbox
from exports.steps import poll, run
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import claim_due, create_due_exports, make_due, request_export, take_step

pytestmark = pytest.mark.postgresql


def add_node(slots: int = 8) -> None:
    Heartbeat.record("worker:test@host", queues=list(QUEUES), slots=slots)


def slow_polls(project: Project, cast: Cast, many: int, *, slow: bool = True) -> list[Export]:
    exports = create_due_exports(project, cast.member, many, clock.seconds_from_now(-60))
    rows = Export.objects.filter(pk__in=[export.pk for export in exports])
    rows.update(step=states.POLL, status=states.PROCESSING, polls_alone=slow)
    return exports


def dispatch() -> list[Message]:
    published: list[Message] = []
    dispatcher.dispatch(published.extend)
    return published


def ids(message: Message) -> set[int]:
    return {export_id for export_id, _fence in message.args[0]}


def pks(exports: Sequence[Export]) -> set[int]:
    return {export.pk for export in exports}


def test_twenty_slow_polls_of_a_team_are_one_message_and_quick_ones_go_beside_it(cast: Cast) -> None:
    add_node()
    slow = slow_polls(cast.project(TABLES), cast, 20)
    [message] = dispatch()
    assert ids(message) == pks(slow)
    later = slow_polls(cast.project(TABLES), cast, 3)
    quick = slow_polls(cast.project(TABLES), cast, 2, slow=False)
    [beside] = dispatch()
    assert ids(beside) == pks(quick)
    assert dispatch() == []
    free_slot(message.task_id, [])
    assert [ids(one) for one in dispatch()] == [pks(later)]


def test_slow_polls_of_all_teams_take_a_third_of_the_slots(cast: Cast) -> None:
    add_node()
    for number in range(4):
        team = type(cast.team).objects.create(name=f"Team {number}", slug=f"team-{number}")
        credential = Credential.objects.create(team=team, provider=TABLES, name="x")
        project = Project.objects.create(team=team, credential=credential, remote_id="1", name="x")
        slow_polls(project, cast, 2)
    seen: set[int] = set()
    for _ in range(2):
        messages = dispatch()
        assert len(messages) == 2
        assert dispatch() == []
        seen = seen.union(*map(ids, messages))
        for message in messages:
            free_slot(message.task_id, [])
            Export.objects.filter(pk__in=ids(message)).update(next_step_at=clock.seconds_from_now(60))
    assert seen == set(Export.objects.values_list("pk", flat=True))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("alone", [True, False])
def test_the_first_poll_that_takes_long_is_ended_and_the_next_one_is_not(
    cast: Cast, sandbox: Sandbox, origin_of: Callable[[str], str], alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll, "PATIENCE_SECONDS", 0.5)
    sandbox.fault(provider=TABLES, project="*", on="poll", fault="slow", seconds=3)
    exports = []
    for remote_id in ("4001",) if alone else ("4001", "4003"):
        project = cast.project(TABLES, origin_of(TABLES), remote_id)
        exports.append(take_step(request_export(project, cast.member, "orders")))
    for slow in (False, True):
        make_due()
        claims = claim_due((states.POLL,), 10)
        assert len(claims) == len(exports)
        begun = clock.monotonic()
        run.advance_polls(claims)
        assert (clock.monotonic() - begun < 2.9) != slow
        assert set(Export.objects.values_list("polls_alone", flat=True)) == {True}
