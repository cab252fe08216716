"""The nightly work is done once after two o'clock, and goes on where it is much; a team's failure keeps no other's."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from exports.exporting import purge, retention_rules
from exports.housekeeping import nightly
from exports.models import File, Team
from exports.storage.retention import Rule
from tests.helpers import factories
from tests.helpers.cast import Cast


@pytest.fixture
def four(cast: Cast) -> None:
    """Four files, of which the rule keeps one; the team wants no notices."""
    Team.objects.filter(pk=cast.team.pk).update(expiry_notice_days=0)
    for days in range(4):
        export = factories.succeeded_export(cast, allow_duplicate=True)
        File.objects.filter(export=export).update(verified_at=timezone.now() - timedelta(days=days))
    retention_rules.set_team_rule(cast.team, cast.owner.user, Rule(keep_last=1))


def kept() -> int:
    return File.objects.filter(deleted_at=None).count()


def test_it_is_done_once_a_night_and_made_up_for_after_downtime(cast: Cast, four: None) -> None:
    with time_machine.travel(timezone.now(), tick=True):
        assert nightly.run_when_due()
        assert not nightly.run_when_due()
    assert kept() == 1
    with time_machine.travel(timezone.now() + timedelta(days=3), tick=True):
        assert nightly.run_when_due()


def test_much_work_goes_on_in_the_next_task(cast: Cast, four: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "purge_nightly", lambda team: purge.purge_nightly(team, limit=2))
    assert not nightly.run_when_due()
    assert kept() == 2
    assert nightly.run_when_due()
    assert kept() == 1


def test_a_teams_failure_keeps_no_others_from_it(cast: Cast, four: None, monkeypatch: pytest.MonkeyPatch) -> None:
    Team.objects.create(name="Broken", slug="broken")

    def purge_or_break(team: Team) -> purge.PurgeResult:
        if team.slug == "broken":
            raise ZeroDivisionError
        return purge.purge_nightly(team)

    monkeypatch.setattr(nightly, "purge_nightly", purge_or_break)
    assert nightly.run_when_due()
    assert kept() == 1
