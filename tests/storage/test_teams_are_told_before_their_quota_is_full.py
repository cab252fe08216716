"""A team is told once when 80 and once when 95 percent of its quota are used, and again after it was well below."""

import pytest

from exports.models import Event, Team
from exports.storage.kept_totals import change_totals


@pytest.fixture
def full_at_1000(team: Team) -> Team:
    Team.objects.filter(pk=team.pk).update(quota_bytes=1000)
    return team


def reported_percents(team: Team) -> list[int]:
    return list(
        Event.objects.filter(team=team, type="team.quota").order_by("pk").values_list("data__percent", flat=True)
    )


@pytest.mark.parametrize(
    ("sizes", "percents"),
    [
        ([799], []),
        ([800, 10], [80]),
        ([800, 150], [80, 95]),
        ([960], [95]),
        ([810, -20, 20, -30, 30], [80]),
        ([810, -100, 100], [80, 80]),
        ([960, -20, 20, -100, 100], [95, 95]),
        ([960, -960], [95]),
    ],
)
def test_each_crossing_is_told_once(full_at_1000: Team, sizes: list[int], percents: list[int]) -> None:
    for size in sizes:
        change_totals(full_at_1000.pk, size=size, count=0)
    assert reported_percents(full_at_1000) == percents


def test_a_team_without_a_quota_is_told_nothing(team: Team) -> None:
    change_totals(team.pk, size=10**12, count=1)
    assert reported_percents(team) == []


def test_a_quota_that_was_lowered_is_told(full_at_1000: Team) -> None:
    change_totals(full_at_1000.pk, size=500, count=1)
    Team.objects.filter(pk=full_at_1000.pk).update(quota_bytes=550)
    change_totals(full_at_1000.pk, size=0, count=0)
    assert reported_percents(full_at_1000) == [80]
