"""After the file is kept, what the job left at the provider is removed; what comes of it changes no export."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from exports import states
from exports.models import Call, Change, Export, OutboxMessage
from exports.models.outbox import CLEANUP, FAILED, SENT, WAITING
from exports.notify import outbox
from exports.notify.delivery import max_attempts
from exports.providers.contract import Job
from exports.providers.registry import PROVIDERS
from exports.queue import deliveries
from exports.sandbox.server import Sandbox
from exports.transport.client import Client
from exports.transport.errors import BusyError, NotFoundError, ProviderError, RefusedError, UnclearError
from tests.helpers.cast import Cast
from tests.helpers.run_exports import deliver_due, request_export, run_to_end

PROVIDER = next(slug for slug, one in PROVIDERS.items() if any(kind.authorised_download for kind in one.kinds))
Run = Callable[[], tuple[Export, OutboxMessage]]


class Cleaning:
    """What `clean_up` was called for, and what it is to raise."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.error: ProviderError | None = None

    def __call__(self, provider: object, client: Client, job: Job) -> None:
        self.jobs.append(job)
        client.get("/api/v4/user")
        if self.error is not None:
            raise self.error


@pytest.fixture
def cleaning(monkeypatch: pytest.MonkeyPatch) -> Cleaning:
    made, kind = Cleaning(), type(PROVIDERS[PROVIDER])
    monkeypatch.setattr(kind, "kinds", tuple(replace(one, cleans_up=True) for one in kind.kinds))
    monkeypatch.setattr(kind, "limits", {})
    monkeypatch.setattr(kind, "clean_up", lambda *args: made(*args))
    return made


@pytest.fixture
def succeeded(cast: Cast, sandbox: Sandbox, origin_of: Callable[[str], str], cleaning: Cleaning) -> Run:
    def run() -> tuple[Export, OutboxMessage]:
        export = run_to_end(request_export(cast.project(PROVIDER, origin_of(PROVIDER)), cast.member, "archive"))
        assert export.status == states.SUCCEEDED
        return export, OutboxMessage.objects.get(export=export, kind=CLEANUP)

    return run


def deliver(message: OutboxMessage) -> OutboxMessage:
    """Delivers as if its time had come."""
    OutboxMessage.objects.filter(pk=message.pk, due_at__isnull=False).update(due_at=message.created_at)
    deliver_due()
    message.refresh_from_db()
    return message


def last_note(export: Export) -> str:
    return str(Change.objects.filter(export=export).order_by("-pk").first().note)


def test_it_happens_once_after_success(succeeded: Run, cleaning: Cleaning) -> None:
    export, message = succeeded()
    assert (message.state, cleaning.jobs) == (WAITING, [])
    assert deliver(message).state == SENT
    assert [job.remote_id for job in cleaning.jobs] == [export.remote_id]
    assert "has removed" in last_note(export)
    assert Call.objects.filter(export=export, url__endswith="/user").count() == 1
    deliver(message)
    assert len(cleaning.jobs) == 1


@pytest.mark.parametrize("error", [RefusedError("It may not be deleted."), UnclearError("It answered 500.")])
def test_its_failure_undoes_nothing(succeeded: Run, cleaning: Cleaning, error: ProviderError) -> None:
    export, message = succeeded()
    cleaning.error = error
    for _ in range(max_attempts(CLEANUP)):
        deliver(message)
    assert (message.state, message.last_error) == (FAILED, error.message)
    assert len(cleaning.jobs) == (1 if isinstance(error, RefusedError) else max_attempts(CLEANUP))
    export.refresh_from_db()
    assert (export.status, export.step, export.file.deleted_at) == (states.SUCCEEDED, states.NONE, None)
    assert error.message in last_note(export)


def test_what_is_gone_already_counts_as_removed(succeeded: Run, cleaning: Cleaning) -> None:
    _export, message = succeeded()
    cleaning.error = NotFoundError("It is not there.")
    assert deliver(message).state == SENT


def test_a_pause_that_the_provider_asks_for_is_kept(succeeded: Run, cleaning: Cleaning) -> None:
    _export, message = succeeded()
    cleaning.error = BusyError("Slow down.", seconds=1000)
    deliver(message)
    assert message.state == WAITING
    assert (message.due_at - message.created_at).total_seconds() > 900


def test_a_process_that_dies_leaves_it_to_the_next(succeeded: Run, cleaning: Cleaning) -> None:
    _export, message = succeeded()
    deliveries.reserve(10)
    assert deliveries.begin(message.pk) is not None  # The process ends here.
    OutboxMessage.objects.filter(pk=message.pk).update(held_until=message.created_at)
    assert deliver(message).state == SENT
    assert len(cleaning.jobs) == 1


def test_kinds_that_leave_nothing_have_none(cast: Cast, sandbox: Sandbox, origin_of: Callable[[str], str]) -> None:
    run_to_end(request_export(cast.project(PROVIDER, origin_of(PROVIDER)), cast.member, "archive"))
    assert not OutboxMessage.objects.filter(kind=CLEANUP).exists()


def test_each_kind_of_message_has_a_sender() -> None:
    assert set(outbox.SENDERS) == {word for word, _ in OutboxMessage._meta.get_field("kind").choices or ()}
