"""A task that ends runs the dispatcher where more is due, without a message to another process."""

from typing import Any

import pytest

from exports import tasks
from exports.queue import dispatcher, messages, wakeup
from exports.queue.node import SharedState


@pytest.fixture
def dispatched(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What the dispatcher was run for; no hint was heeded lately."""
    runs: list[bool] = []
    monkeypatch.setattr(dispatcher, "dispatch", lambda publish, fan_out: runs.append(True))
    monkeypatch.setattr(tasks, "shared", SharedState())
    return runs


class Task:
    """A task as Celery hands it over, with the headers of its message."""

    def __init__(self, **headers: Any) -> None:
        self.request = type("Request", (), {"id": "1", "headers": headers})()


def end_task(task: Any, *, hints: int = 0) -> None:
    with tasks._slot(task):
        for _ in range(hints):
            wakeup.now()


@pytest.mark.django_db
def test_the_message_that_knows_of_more(dispatched: list[bool]) -> None:
    end_task(Task(more_due=True))
    end_task(Task(more_due=False))
    end_task(Task())
    assert dispatched == [True]


@pytest.mark.django_db
def test_a_step_that_made_something_due_sends_no_message(
    dispatched: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bool] = []
    monkeypatch.setattr(messages, "send_dispatch", lambda: sent.append(True))
    monkeypatch.setattr(wakeup, "_sent_at", 0.0)
    end_task(Task(), hints=3)
    assert (dispatched, sent) == ([True], [])
    wakeup.now()
    assert sent == [True], "outside of a task it is a message"


@pytest.mark.django_db
def test_the_tasks_of_a_node_do_so_ten_times_a_second_at_most(dispatched: list[bool]) -> None:
    for _ in range(20):
        end_task(Task(), hints=1)
    assert len(dispatched) < 5


@pytest.mark.django_db
def test_a_broker_that_is_away_does_not_fail_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(publish: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(dispatcher, "dispatch", refuse)
    end_task(Task(more_due=True))
