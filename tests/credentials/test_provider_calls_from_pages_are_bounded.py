"""The number of web requests that wait for providers is bounded, so that threads are left for all others."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from exports.credentials import bulkhead, service
from exports.models import Credential
from exports.transport.errors import BusyError
from tests.helpers.cast import Cast
from tests.helpers.clients import client_of
from tests.helpers.roles import CHANGING

SAYS = "Too many lookups at once"


@pytest.fixture
def waiting(cast: Cast) -> Iterator[Credential]:
    """A credential of a team that waits for as many answers as it may."""
    with ExitStack() as stack:
        for _ in range(bulkhead.MAX_CALLS_PER_TEAM):
            stack.enter_context(bulkhead.provider_call_slot(cast.team.pk))
        yield cast.credential(CHANGING)


def test_a_team_at_its_limit_is_refused_with_a_message(waiting: Credential, cast: Cast) -> None:
    for _ in range(2):
        with pytest.raises(BusyError, match=SAYS):
            service.list_remote_projects(waiting)
    page = client_of(cast.owner).post(f"/t/the-team/credentials/{waiting.pk}/test")
    assert page.status_code == 200
    assert SAYS in page.content.decode()
    waiting.refresh_from_db()
    assert (waiting.last_error, waiting.checked_at) == ("", None)


def test_other_teams_may_call_up_to_the_total_limit(waiting: Credential, cast: Cast) -> None:
    with ExitStack() as stack:
        for _ in range(bulkhead.MAX_CALLS - bulkhead.MAX_CALLS_PER_TEAM):
            stack.enter_context(bulkhead.provider_call_slot(cast.other_team.pk))
        with pytest.raises(BusyError, match=SAYS), bulkhead.provider_call_slot(cast.other_team.pk):
            pass
    with bulkhead.provider_call_slot(cast.other_team.pk):
        assert bulkhead.MAX_CALLS_PER_TEAM < bulkhead.MAX_CALLS


def test_a_slot_is_released_after_an_error(cast: Cast) -> None:
    for _ in range(bulkhead.MAX_CALLS * 2):
        with pytest.raises(RuntimeError), bulkhead.provider_call_slot(cast.team.pk):
            raise RuntimeError
