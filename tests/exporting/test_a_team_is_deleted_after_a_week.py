"""An owner asks for the deletion by the team's name; for a week it is paused and can be kept."""

from datetime import timedelta

import pytest

from exports import clock
from exports.errors import ConflictError, InvalidError
from exports.exporting import pauses
from exports.exporting.team_deletion import GRACE, keep_team, request_deletion
from exports.models import AuditEntry, Team
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES


def verbs(team: Team) -> list[str]:
    return list(AuditEntry.objects.filter(team=team).order_by("pk").values_list("verb", flat=True))


@pytest.mark.parametrize("typed", ["", "the team", "The Team 2", "The\u00a0Team"])
def test_nothing_happens_without_the_name(cast: Cast, typed: str) -> None:
    with pytest.raises(InvalidError) as problem:
        request_deletion(cast.team, cast.owner.user, typed)
    assert problem.value.errors == {"name": ["Type the team's name exactly: The Team"]}
    cast.team.refresh_from_db()
    assert (cast.team.deletes_at, cast.team.paused_at) == (None, None)


def test_it_is_paused_at_once_and_deleted_in_a_week(cast: Cast) -> None:
    project = cast.project(TABLES)
    team = request_deletion(cast.team, cast.owner.user, " The Team ")
    assert team.deletes_at is not None
    assert team.deletes_at - clock.now() == pytest.approx(GRACE, abs=timedelta(minutes=1))
    project.refresh_from_db()
    assert pauses.why_paused(type(project).objects.get(pk=project.pk)) == (
        "The team The Team is to be deleted: nothing new runs unless an owner keeps it."
    )
    with pytest.raises(ConflictError, match="to be deleted already"):
        request_deletion(team, cast.owner.user, "The Team")
    assert verbs(team)[-1] == "asked to delete"


def test_resuming_does_not_take_it_back(cast: Cast) -> None:
    team = request_deletion(cast.team, cast.owner.user, "The Team")
    with pytest.raises(ConflictError, match="Keep it first"):
        pauses.resume(team, cast.owner.user)
    team.refresh_from_db()
    assert team.paused_at is not None


@pytest.mark.parametrize("paused_before", [False, True])
def test_an_owner_keeps_it_and_a_pause_from_before_stays(cast: Cast, paused_before: bool) -> None:
    if paused_before:
        Team.objects.filter(pk=cast.team.pk).update(paused_at=clock.now() - timedelta(days=3))
    team = keep_team(request_deletion(cast.team, cast.owner.user, "The Team"), cast.owner.user)
    assert team.deletes_at is None
    assert (team.paused_at is not None) is paused_before
    assert verbs(team)[-1] == "kept team"
    with pytest.raises(ConflictError, match="not to be deleted"):
        keep_team(team, cast.owner.user)


def test_it_is_too_late_when_the_week_is_over(cast: Cast) -> None:
    request_deletion(cast.team, cast.owner.user, "The Team")
    Team.objects.filter(pk=cast.team.pk).update(deletes_at=clock.now())
    with pytest.raises(ConflictError, match="is being deleted"):
        keep_team(cast.team, cast.owner.user)
