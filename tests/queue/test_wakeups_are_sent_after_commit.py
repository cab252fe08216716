"""A wake-up is sent after the commit; without a broker the export is created all the same."""

import itertools
from typing import Any

import pytest
from pytest_django.fixtures import DjangoCaptureOnCommitCallbacks

from exports.models import Export
from exports.queue import messages, wakeup
from exports.queue.capacity import CONTROL
from portal.celery import app
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import request_export


@pytest.fixture(autouse=True)
def _awake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeup, "_broker_retry_at", 0.0)
    monkeypatch.setattr(wakeup, "_sent_at", 0.0)


def test_one_wakeup_is_sent_after_the_commit(
    cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(messages, "send_dispatch", lambda: sent.append(Export.objects.count()))
    with django_capture_on_commit_callbacks(execute=True):
        request_export(cast.project(TABLES), cast.member, "orders")
        assert sent == []
    assert sent == [1]


def test_a_broker_that_is_away_raises_nothing_and_is_not_tried_again_at_once(
    cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def refuse() -> None:
        tried.append(1)
        raise ConnectionRefusedError

    monkeypatch.setattr(messages, "send_dispatch", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        request_export(cast.project(TABLES), cast.member, "orders")
        request_export(cast.project(TABLES), cast.member, "orders", allow_duplicate=True)
    assert Export.objects.count() == 2
    assert tried == [1]


def test_a_process_sends_no_more_than_ten_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    ticks = itertools.count(step=1)
    monkeypatch.setattr("exports.queue.wakeup.time.monotonic", lambda: 1_000 + next(ticks) / 1_000)
    monkeypatch.setattr(messages, "send_dispatch", lambda: sent.append(0))
    for _ in range(1_000):
        wakeup.now()
    assert 9 <= len(sent) <= 10


def test_unread_dispatches_do_not_pile_up() -> None:
    with app.connection_for_write() as connection:
        channel: Any = connection.default_channel
        app.amqp.queues[CONTROL].bind(channel).declare()
        channel.queue_purge(CONTROL)
        for _ in range(20):
            messages.send_dispatch()
        assert messages.count_waiting(channel, CONTROL) == messages.MAX_UNREAD
        channel.queue_purge(CONTROL)
