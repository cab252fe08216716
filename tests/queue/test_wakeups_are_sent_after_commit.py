"""A hint goes out after the commit; without a broker the export is asked for all the same."""

import pytest
from pytest_django.fixtures import DjangoCaptureOnCommitCallbacks, Settings

from exports import tasks
from exports.models import Export
from exports.queue import wakeup
from tests.helpers.cast import Cast
from tests.helpers.run_exports import request_export


@pytest.fixture(autouse=True)
def _awake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeup, "_broker_retry_at", 0.0)


def test_one_hint_is_sent_after_the_commit(
    cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(wakeup, "_send", lambda: sent.append(Export.objects.count()))
    with django_capture_on_commit_callbacks(execute=True):
        request_export(cast.project("ulule"), cast.member, "orders")
        assert sent == []
    assert sent == [1]


def test_a_broker_that_is_away_never_hurts_and_is_left_alone_for_a_while(
    cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def refuse() -> None:
        tried.append(1)
        raise ConnectionRefusedError

    monkeypatch.setattr(wakeup, "_send", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        request_export(cast.project("ulule"), cast.member, "orders")
        request_export(cast.project("ulule"), cast.member, "orders", allow_duplicate=True)
    assert Export.objects.count() == 2
    assert tried == [1]


def test_the_hint_is_published_through_celery(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[dict[str, object]] = []
    monkeypatch.setattr(tasks.work, "apply_async", lambda **options: published.append(options))
    tasks.send_hint()
    assert published == [{"retry": False, "expires": 60}]
