"""Rows of calls are kept for HISTORY_DAYS_OF_CALLS; the history of an export is kept for good."""

from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from exports import clock
from exports.housekeeping import expired_rows
from exports.housekeeping import sweep as sweeping
from exports.models import Call, Change
from tests.helpers import factories
from tests.helpers.cast import Cast


def test_calls_older_than_that_go_in_batches(cast: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.HISTORY_DAYS_OF_CALLS = 7
    monkeypatch.setattr(expired_rows, "AT_ONCE", 3)
    export = factories.succeeded_export(cast)
    changes = Change.objects.filter(export=export).count()
    for hours in (*range(10), -1, -2):
        at = clock.now() - timedelta(days=7, hours=hours)
        Call.objects.create(export=export, at=at, method="GET", url="https://example.com/", status=200, seconds=0.1)
    sweeping.sweep()
    assert {call.at > clock.now() - timedelta(days=7) for call in Call.objects.all()} == {True}
    assert Call.objects.count() == 2
    assert Change.objects.filter(export=export).count() == changes
