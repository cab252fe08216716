"""The dispatcher leaves the last slots of a node to teams that have nothing under way."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exports import clock, states
from exports.models import Credential, Export, Heartbeat, OutboxMessage, Project
from exports.models.outbox import RELAY
from exports.queue import dispatcher
from exports.queue.capacity import CONTROL, DELIVER, FETCH, POLL, QUEUES, SUBMIT
from exports.queue.deferred_calls import free_slot
from exports.queue.dispatcher import Message
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import create_due_exports

pytestmark = pytest.mark.postgresql
SLOTS = 8
# One slot is for portal.control, one is room.
FOR_ONE_TEAM = SLOTS - 2


def add_node(queues: Sequence[str] = QUEUES, slots: int = SLOTS) -> None:
    Heartbeat.record("worker:test@host", queues=list(queues), slots=slots)


def project_of_other_team(cast: Cast, remote_id: str = "4002") -> Project:
    known = Project.objects.filter(team=cast.other_team, remote_id=remote_id).first()
    if known is not None:
        return known
    credential = Credential.objects.create(team=cast.other_team, provider=TABLES, name=f"theirs {remote_id}")
    return Project.objects.create(team=cast.other_team, credential=credential, remote_id=remote_id, name="Theirs")


def dispatch() -> list[Message]:
    published: list[Message] = []
    dispatcher.dispatch(published.extend)
    return published


def make_step(exports: Sequence[Export], step: str, **fields: Any) -> None:
    rows = Export.objects.filter(pk__in=[export.pk for export in exports])
    rows.update(step=step, status=states.PROCESSING, **fields)


@pytest.mark.parametrize("queues", [QUEUES, (SUBMIT,), (SUBMIT, POLL, DELIVER, CONTROL)])
def test_a_pile_of_one_team_leaves_a_slot_and_the_single_export_of_another_gets_it(
    cast: Cast, queues: Sequence[str]
) -> None:
    add_node(queues)
    create_due_exports(cast.project(TABLES), cast.member, 100, clock.seconds_from_now(-60))
    pile = dispatch()
    assert len(pile) == (SLOTS - 2 if CONTROL in queues else SLOTS - 1)
    assert [message.more_due for message in pile].count(True) == 1
    assert dispatch() == []
    [single] = create_due_exports(project_of_other_team(cast), cast.outsider, 1, clock.seconds_from_now(-1))
    [message] = dispatch()
    assert message.args == (single.pk, Export.objects.get(pk=single.pk).fence)
    assert message.more_due


def test_it_has_the_slot_though_its_next_step_is_another_one(cast: Cast) -> None:
    add_node()
    create_due_exports(cast.project(TABLES), cast.member, 100, clock.seconds_from_now(-60))
    dispatch()
    [polled] = create_due_exports(project_of_other_team(cast), cast.outsider, 1, clock.seconds_from_now(-1))
    [also] = create_due_exports(project_of_other_team(cast, "4003"), cast.outsider, 1, clock.seconds_from_now(-1))
    [fetched] = create_due_exports(project_of_other_team(cast), cast.outsider, 1, clock.seconds_from_now(-2))
    make_step([polled, also], states.POLL)
    make_step([fetched], states.FETCH)
    [message] = dispatch()
    assert (message.queue, len(message.args[0])) == (POLL, 2), "polls go together there, too"
    free_slot(message.task_id, [])
    [message] = dispatch()
    assert (message.queue, message.args[0]) == (FETCH, fetched.pk)


def test_a_second_slow_team_leaves_it_too(cast: Cast) -> None:
    """What is left goes to a team with nothing under way, not to the second message of another one."""
    add_node(slots=18)
    create_due_exports(cast.project(TABLES), cast.member, 100, clock.seconds_from_now(-60))
    assert len(dispatch()) == 15
    create_due_exports(project_of_other_team(cast), cast.outsider, 100, clock.seconds_from_now(-1))
    assert [len(dispatch()) for _ in range(3)] == [1, 0, 0]


def test_an_origin_with_nothing_under_way_comes_first(cast: Cast) -> None:
    add_node()
    create_due_exports(cast.project(TABLES), cast.member, 100, clock.seconds_from_now(-60))
    dispatch()
    create_due_exports(project_of_other_team(cast), cast.outsider, 1, clock.seconds_from_now(-30))
    third = type(cast.team).objects.create(name="Third", slug="third")
    credential = Credential.objects.create(
        team=third, provider=TABLES, name="x", origin=f"https://{TABLES}.example.org"
    )
    project = Project.objects.create(team=third, credential=credential, remote_id="1", name="x")
    [elsewhere] = create_due_exports(project, cast.outsider, 1, clock.seconds_from_now(-1))
    [message] = dispatch()
    assert message.args[0] == elsewhere.pk


def test_small_nodes_are_filled(cast: Cast) -> None:
    """With three slots or fewer for work there is no room to leave."""
    add_node(slots=4)
    create_due_exports(cast.project(TABLES), cast.member, 100, clock.seconds_from_now(-60))
    assert len(dispatch()) == 3


def count(queries: CaptureQueriesContext) -> int:
    return len([query for query in queries if "exports_" in query["sql"]])


def relays(export: Export, many: int) -> list[OutboxMessage]:
    """So many due relays, each to a host of its own."""
    return [
        OutboxMessage.objects.create(
            team_id=export.team_id,
            export=export,
            kind=RELAY,
            key=str(number),
            due_at=clock.seconds_from_now(-60),
            recipient=f"{export.pk} {number}",
            host=f"{number}.{export.pk}.example.org",
        )
        for number in range(many)
    ]


def test_relays_of_one_team_leave_a_slot_to_the_relay_of_another(cast: Cast) -> None:
    add_node()
    [theirs] = create_due_exports(cast.project(TABLES), cast.member, 1, clock.seconds_from_now(600))
    relays(theirs, 50)
    assert len(dispatch()) == FOR_ONE_TEAM
    assert dispatch() == []
    [other] = create_due_exports(project_of_other_team(cast), cast.outsider, 1, clock.seconds_from_now(600))
    [relay] = relays(other, 1)
    [message] = dispatch()
    assert (message.queue, message.args) == (DELIVER, (relay.pk,))


def test_where_slots_are_free_nothing_more_is_read(cast: Cast) -> None:
    """The shares cost nothing in the ordinary case, and one statement a dispatch where the slots are taken."""
    add_node()
    create_due_exports(cast.project(TABLES), cast.member, 1, clock.now())
    with CaptureQueriesContext(connection) as ordinary:
        dispatch()
    # On PostgreSQL the reservation's row goes past Django's log of statements.
    assert count(ordinary) == {"sqlite": 6, "postgresql": 3}[connection.vendor]
    create_due_exports(cast.project(TABLES), cast.member, 100, clock.seconds_from_now(-60))
    dispatch()
    with CaptureQueriesContext(connection) as full:
        assert dispatch() == []
    assert count(full) == 3, "what is due, what is free, and whether a team with nothing under way waits"
