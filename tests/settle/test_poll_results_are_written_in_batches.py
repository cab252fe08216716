"""Poll results that arrive together are written together, and each is judged by itself."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from exports import clock, states
from exports.models import Export
from exports.providers.contract import Status
from exports.queue import inbound_webhooks
from exports.queue.batch_sql import settle_many
from exports.queue.leases import Claim
from exports.settle import poll_status
from exports.steps import poll
from exports.steps.poll import PollResult
from exports.steps.run import begin_polls, finish_poll, settle_polls
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import claim_due, request_export

pytestmark = pytest.mark.postgresql

RUNNING = Status("running", "running")


def polled(cast: Cast, count: int = 4) -> list[Claim]:
    """Claims on polls of jobs that ran already when they were last looked at."""
    project = cast.project(TABLES)
    for number in range(count):
        request_export(project, cast.member, "orders", adopt=str(100 + number))
    for claim in claim_due((states.POLL,), count):
        poll_status.apply_poll_result(claim, RUNNING, source="poll")
    Export.objects.update(next_step_at=clock.now())
    return claim_due((states.POLL,), count)


def poll_results(claims: list[Claim], status: Status = RUNNING) -> list[PollResult]:
    """A poll result for each claim, as the network threads return it."""
    return [PollResult(claim, None, clock.now(), status) for claim in claims]


def rows(claims: list[Claim], seconds: float = 60) -> list[dict[str, object]]:
    """The same row for each."""
    return [{"next_step_at": clock.seconds_from_now(seconds), "wait_note": "written"} for _ in claims]


def test_a_lost_claim_is_left_out_and_reported(cast: Cast) -> None:
    claims = polled(cast)
    taken, canceled = claims[1].export, claims[2].export
    Export.objects.filter(pk=taken.pk).update(fence=claims[1].fence + 1)
    assert Export.objects.get(pk=canceled.pk).move(states.CANCELED, source="person")

    assert settle_many(claims, rows(claims)) == [claims[1], claims[2]]
    assert [claim.lost for claim in claims] == [False, True, True, False]
    notes = dict(Export.objects.values_list("pk", "wait_note"))
    assert [notes[claim.export.pk] for claim in claims] == ["written", "", "", "written"]


def test_a_webhook_during_the_poll_makes_that_export_due_now(cast: Cast) -> None:
    claims = polled(cast)
    hinted = claims[2].export
    assert inbound_webhooks.receive_webhook(hinted.pk, inbound_webhooks.url_signature(hinted.pk))
    assert Export.objects.get(pk=hinted.pk).wake_requested

    assert settle_many(claims, rows(claims)) == []
    due = Export.objects.due(clock.now())
    assert [export.pk for export in due] == [hinted.pk]
    assert not Export.objects.filter(wake_requested=True).exists()


def test_settled_exports_are_released(cast: Cast) -> None:
    claims = polled(cast)
    settle_many(claims, rows(claims, seconds=0))
    assert not Export.objects.exclude(held_until=None, crash_count=0).exists()
    assert len(claim_due((states.POLL,), 10)) == len(claims)


@pytest.mark.django_db(transaction=True)
def test_a_row_that_the_database_refuses_fails_alone(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    claims = polled(cast)
    bad = claims[1].export
    good = poll_status.unchanged_fields

    def spoiled(export: Export, *args: Any, **kwargs: Any) -> dict[str, object]:
        return {**good(export, *args, **kwargs), **({"polls": None} if export.pk == bad.pk else {})}

    monkeypatch.setattr(poll, "unchanged_fields", spoiled)
    assert settle_polls(poll_results(claims)) == []
    for claim in claims:
        export = Export.objects.get(pk=claim.export.pk)
        assert (export.status, export.held_until) == (states.PROCESSING, None)
        assert ("A fault of the portal itself" in export.wait_note) == (export.pk == bad.pk), export.wait_note
        assert export.polls == (1 if export.pk == bad.pk else 2)


def test_a_secret_that_cannot_be_decrypted_ends_its_export_alone(cast: Cast) -> None:
    claims = polled(cast)
    results = [*poll_results(claims[:3]), poll.poll_provider(with_unreadable_secrets(claims[3]))]
    for result in settle_polls(results):
        finish_poll(result)
    statuses = [Export.objects.get(pk=claim.export.pk).status for claim in claims]
    assert statuses == [states.PROCESSING] * 3 + [states.FAILED]
    assert Export.objects.get(pk=claims[3].export.pk).error_code == "credential"


def with_unreadable_secrets(claim: Claim) -> Claim:
    project = claim.export.project
    credential = type(project.credential).objects.get(pk=project.credential_id)
    credential.encrypted_secrets = dict.fromkeys(credential.encrypted_secrets, "nonsense")
    claim.export.project = type(project)(pk=project.pk, team_id=project.team_id, credential=credential)
    return claim


def test_exports_whose_status_changed_are_returned_to_be_finished(cast: Cast) -> None:
    claims = polled(cast)
    results = [*poll_results(claims[:2]), *poll_results(claims[2:], Status("failed", "failed", message="It broke."))]
    left = settle_polls(results)
    assert [result.claim for result in left] == claims[2:]
    for result in left:
        finish_poll(result)
    assert Export.objects.filter(status=states.FAILED, error_code="provider_failed").count() == 2


def test_an_overdue_export_ends_and_the_others_are_polled(cast: Cast) -> None:
    claims = polled(cast)
    claims[0].export.deadline_at = clock.now() - timedelta(seconds=1)
    assert begin_polls(claims) == claims[1:]
    ended = Export.objects.get(pk=claims[0].export.pk)
    assert (ended.status, ended.error_code) == (states.FAILED, "deadline")


def test_the_poll_interval_counts_from_poll_to_poll(cast: Cast) -> None:
    """An answer that took long does not put off the next poll, but for half the pace the provider may rest."""
    [quick, slow, slower] = polled(cast, 3)
    pace = quick.export.kind.poll_interval
    most = min(pace.initial * pace.factor, pace.maximum) * 1.2
    begun = clock.now()
    results = poll_results([quick, slow, slower])
    for result, seconds in zip(results, (0, most / 4, 600), strict=True):
        result.polled_at = begun - timedelta(seconds=seconds)
    with time_machine.travel(begun, tick=False):
        assert settle_polls(results) == []
    rows = {row.pk: row.next_step_at for row in Export.objects.all()}
    after = [(rows[claim.export.pk] - begun).total_seconds() for claim in (quick, slow, slower)]
    assert most / 1.5 - 0.1 <= after[0] <= most + 0.1
    assert most / 1.5 - most / 4 - 0.1 <= after[1] <= most * 0.75 + 0.1
    assert most / 1.5 / 2 - 0.1 <= after[2] <= most / 2 + 0.1
