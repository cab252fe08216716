"""The usual duration of an export is estimated from earlier ones."""

from datetime import timedelta
from typing import Any

import pytest

from exports.exporting.durations import UsualDuration, usual_durations
from exports.models import Export
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES


def took(cast: Cast, minutes: float, **more: Any) -> None:
    good = factories.succeeded_export(cast, **more)
    Export.objects.filter(pk=good.pk).update(created_at=good.finished_at - timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (240, 420, "4-7 min"),
        (300, 305, "about 5 min"),
        (2, 9, "2-9 s"),
        (0.1, 0.2, "up to 1 s"),
        (5, 90, "up to 2 min"),
        (3600, 7300, "1-2 h"),
        (90000, 200000, "1-2 d"),
    ],
)
def test_a_duration_is_shown_in_one_unit(low: float, high: float, said: str) -> None:
    assert str(UsualDuration(low, high, True)).replace("\N{EN DASH}", "-") == said


def test_a_project_with_enough_exports_has_its_own_estimate(cast: Cast) -> None:
    other = cast.project(TABLES, remote_id="4002")
    for minutes in (1, 1, 1):
        took(cast, minutes, project=other)
    export = factories.waiting_export(cast)
    assert usual_durations([export])[export.pk] == UsualDuration(60, 60, False), "as exports of the kind do"
    for minutes in (10, 20, 30):
        took(cast, minutes, allow_duplicate=True)
    assert usual_durations([export])[export.pk] == UsualDuration(600, 1800, True)


def test_too_few_exports_give_no_estimate(cast: Cast) -> None:
    took(cast, 5)
    took(cast, 5)
    assert usual_durations([factories.waiting_export(cast)]) == {}


def test_many_estimates_take_one_query_and_none_takes_none(cast: Cast, django_assert_num_queries: Any) -> None:
    rows = [factories.waiting_export(cast, allow_duplicate=True) for _ in range(3)]
    shown = list(Export.objects.with_related().filter(pk__in=[row.pk for row in rows]))
    with django_assert_num_queries(1):
        usual_durations(shown)
    with django_assert_num_queries(0):
        assert usual_durations([]) == {}
