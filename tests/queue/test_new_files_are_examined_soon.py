"""A file is examined by a task of its own, soon after its export has succeeded."""

import time
from collections.abc import Callable

import pytest

from exports import tasks
from exports.models import Export, File, Member, Project
from exports.preview import oddness
from exports.queue import messages
from exports.sandbox.server import Sandbox
from tests.helpers.cast import Cast
from tests.helpers.kept_exports import keep_export, orders
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import request_export
from tests.helpers.worker import running_worker


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits until the condition is true; fails after half a minute."""
    ends = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


@pytest.fixture
def project(cast: Cast) -> Project:
    return cast.project(TABLES)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that are published unless messages wait."""
    names: list[str] = []
    monkeypatch.setattr(messages, "_send_unless_unread", lambda task, expires: names.append(task))
    return names


@pytest.mark.slow(seconds=7)
@pytest.mark.timeout(120)
@pytest.mark.django_db(transaction=True)
def test_an_export_that_succeeded_is_examined_by_the_worker(
    cast: Cast, sandbox: Sandbox, origin_of: Callable[[str], str]
) -> None:
    export = request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders")
    with running_worker(4):
        wait_until(lambda: Export.objects.filter(pk=export.pk, status="succeeded").exists())
        messages.send_examine()
        wait_until(lambda: File.objects.filter(export=export, examined_at__isnull=False).exists())
    found = Export.objects.get(pk=export.pk)
    assert found.file is not None
    assert found.file.row_count
    assert found.status == "succeeded"


def test_the_task_comes_again_while_there_are_more(
    project: Project, member: Member, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oddness, "BATCH_SIZE", 1)
    monkeypatch.setattr(tasks, "close_old_connections", lambda: None)  # The test's own transaction is in one.
    for _ in range(2):
        keep_export(project, member, orders([1]))
    tasks.examine()
    tasks.examine()
    tasks.examine()
    assert sent == ["exports.examine"] * 2
    assert not File.objects.filter(examined_at=None).exists()
