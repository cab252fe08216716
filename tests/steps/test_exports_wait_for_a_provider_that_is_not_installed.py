"""Open exports of a provider whose package is gone wait, say why, go on when it is back, and end at their deadline."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from exports import states
from exports.exporting import actions, run_schedules
from exports.housekeeping import discovery, nightly, overdue, sweep
from exports.models import Credential, Export, Schedule
from exports.providers import registry
from exports.sandbox.registry import DECLARATIONS
from exports.sandbox.server import Sandbox
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.run_exports import (
    claim_due,
    deliver_due,
    make_due,
    request_export,
    run_to_end,
    status_history,
    take_step,
)
from tests.helpers.schedules import make_schedule

pytestmark = pytest.mark.django_db(transaction=True)
# Any two whose first kind has a file.
GONE, OTHER = [slug for slug, declaration in DECLARATIONS.items() if declaration.content_types][:2]
NOTE = f"The provider {GONE} is not installed. It goes on when its package is back."


@pytest.fixture(autouse=True)
def uninstall() -> Iterator[Callable[[], object]]:
    """Takes the provider out. It is put back in its place, not as the last one: other tests look at the order."""
    before = dict(registry.PROVIDERS)
    yield lambda: registry.PROVIDERS.pop(GONE)
    registry.PROVIDERS.clear()
    registry.PROVIDERS.update(before)


def ask(cast: Cast, sandbox: Sandbox, slug: str) -> Export:
    wanted = DECLARATIONS[slug].exports[0]
    project = cast.project(slug, sandbox.origin(slug))
    return request_export(project, cast.member, wanted.type, wanted.format, options=wanted.options)


@pytest.fixture
def export(cast: Cast, sandbox: Sandbox) -> Export:
    return ask(cast, sandbox, GONE)


@pytest.mark.parametrize("step", [states.SUBMIT, states.POLL, states.FETCH])
def test_each_step_waits_and_goes_on_when_the_package_is_back(
    export: Export, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    while export.step != step:
        take_step(export)
    with monkeypatch.context() as patch:
        patch.delitem(registry.PROVIDERS, GONE)
        take_step(export)
        assert (export.step, export.wait_note) == (step, NOTE)
        assert export.next_step_at is not None
        assert 30 < (export.next_step_at - timezone.now()).total_seconds() <= 60
        assert export.consecutive_failures == 0
    run_to_end(export)
    assert export.status == states.SUCCEEDED
    assert [to for _, to in status_history(export)] == ["waiting", "processing", "succeeded"]


def test_other_providers_exports_in_the_same_message_go_on(
    cast: Cast, sandbox: Sandbox, export: Export, uninstall: Callable[[], object]
) -> None:
    other = ask(cast, sandbox, OTHER)
    uninstall()
    run_to_end(other)
    export.refresh_from_db()
    assert (other.status, export.status, export.wait_note) == (states.SUCCEEDED, states.WAITING, NOTE)


def test_it_ends_at_its_deadline_and_says_what_it_waited_for(export: Export, uninstall: Callable[[], object]) -> None:
    uninstall()
    take_step(export)
    Export.objects.filter(pk=export.pk).update(deadline_at=timezone.now() - timedelta(seconds=1))
    take_step(export)
    assert (export.status, export.error_code) == (states.FAILED, "deadline")
    assert NOTE in export.error_message
    deliver_due()


def test_it_can_be_canceled(cast: Cast, export: Export, uninstall: Callable[[], object]) -> None:
    uninstall()
    actions.cancel(export, actor="somebody", source="person")
    assert export.status == states.CANCELED
    deliver_due()


def test_a_schedule_counts_a_failure_and_says_why(cast: Cast, uninstall: Callable[[], object]) -> None:
    schedule = make_schedule(cast.project(GONE), cast.member, "* * * * *", type=DECLARATIONS[GONE].exports[0].type)
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at=timezone.now(), ask_at=timezone.now())
    uninstall()
    run_schedules.run_schedules()
    run = schedule.runs.get()
    assert (run.outcome, run.note) == ("failed", f"The provider {GONE} is not installed.")


def test_housekeeping_goes_on(cast: Cast) -> None:
    factories.succeeded_export(cast)
    factories.failed_export(cast)
    Credential.objects.update(provider="lostbox")
    nightly.run_when_due()
    discovery.run_discovery()
    overdue.record_overdue()
    sweep.sweep()
    make_due()
    assert claim_due([states.POLL], 10) == []
