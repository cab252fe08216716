"""Calls to providers that somebody waits for leave the web process threads for everything else."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from exports.engine import aside, keep
from exports.models import Credential
from exports.providers.errors import BusyError
from tests.cast import Cast
from tests.web.conftest import client_of

SAYS = "waits for several answers of providers already"


@pytest.fixture
def waiting(cast: Cast) -> Iterator[Credential]:
    """A credential of a team that waits for as many answers as it may."""
    with ExitStack() as stack:
        for _ in range(aside.EACH):
            stack.enter_context(aside.asking(cast.team.pk))
        yield cast.credential("toloka")


def test_a_team_that_waits_for_many_is_told_so(waiting: Credential, cast: Cast) -> None:
    for _ in range(2):
        with pytest.raises(BusyError, match=SAYS):
            keep.remote_projects(waiting)
    page = client_of(cast.owner).post(f"/t/the-team/credentials/{waiting.pk}/test")
    assert page.status_code == 200
    assert SAYS in page.content.decode()
    waiting.refresh_from_db()
    assert (waiting.trouble, waiting.checked_at) == ("", None)


def test_other_teams_may_ask_meanwhile_up_to_a_bound(waiting: Credential, cast: Cast) -> None:
    with ExitStack() as stack:
        for _ in range(aside.MOST - aside.EACH):
            stack.enter_context(aside.asking(cast.other_team.pk))
        with pytest.raises(BusyError, match=SAYS), aside.asking(cast.other_team.pk):
            pass
    with aside.asking(cast.other_team.pk):
        assert aside.EACH < aside.MOST


def test_a_place_is_free_again_after_an_error(cast: Cast) -> None:
    for _ in range(aside.MOST * 2):
        with pytest.raises(RuntimeError), aside.asking(cast.team.pk):
            raise RuntimeError
