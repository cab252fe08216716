"""A scrape takes the same few queries whatever there is, and its labels are bounded."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exports.metrics import families
from exports.models import Project
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.metrics.scraping import scrape

MAX_QUERIES = 15


def queries() -> int:
    with CaptureQueriesContext(connection) as captured:
        scrape()
    return len(captured)


def test_the_number_of_queries_does_not_grow(cast: Cast) -> None:
    few = queries()
    for _ in range(5):
        factories.succeeded_export(cast)
    assert few == queries() <= MAX_QUERIES


def test_projects_have_series_up_to_a_limit_those_with_a_target_first(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(families, "MAX_PROJECTS", 3)
    plain = factories.succeeded_export(cast).project
    made = [
        Project.objects.create(
            team=cast.team, credential=plain.credential, remote_id=str(number), last_good_at=plain.created_at
        )
        for number in range(5)
    ]
    Project.objects.filter(pk__in=[made[3].pk, made[4].pk]).update(fresh_within_hours=5)
    labels = [one.labels["project"] for one in scrape()["portal_last_good_timestamp_seconds"].samples]
    assert labels == [str(made[3].pk), str(made[4].pk), str(plain.pk)]
