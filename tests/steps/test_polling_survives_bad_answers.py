"""A poll whose answer is unusable is repeated; a poll that shows the end of the job ends the export."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from exports import clock, states
from exports.models import Change, Export, RateLimitPause
from exports.sandbox.server import Sandbox
from tests.helpers.cast import PROJECTS, Cast
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS
from tests.helpers.run_exports import request_export, run_to_end, take_step

OriginOf = Callable[[str], str]
TYPE_OF_EACH_PROVIDER = [(ARCHIVES, "archive"), (VIDEOS, "video"), (CHANGING, "archive"), (TABLES, "orders")]


@pytest.mark.parametrize(("provider", "type_"), TYPE_OF_EACH_PROVIDER)
@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "status", "status": 500},
        {"fault": "status", "status": 502},
        {"fault": "status", "status": 503},
        {"fault": "cut"},
        {"fault": "half_answer"},
        {"fault": "garbage"},
        {"fault": "garbage", "variant": "utf8"},
        {"fault": "garbage", "variant": "empty"},
        {"fault": "garbage", "variant": "list"},
        {"fault": "garbage", "variant": "nested"},
        {"fault": "huge_json"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_it_polls_again_after(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, provider: str, type_: str, fault: dict[str, object]
) -> None:
    rule = sandbox.fault(provider=provider, project=PROJECTS[provider], on="poll", times=3, **fault)
    export = run_to_end(request_export(cast.project(provider, origin_of(provider)), cast.member, type_))

    assert sandbox.fired(rule) >= 1
    assert export.status == states.SUCCEEDED, (export.error_code, export.error_message)
    assert sandbox.ledger()["jobs"][provider] == {PROJECTS[provider]: 1}


@pytest.mark.parametrize(("provider", "type_"), TYPE_OF_EACH_PROVIDER)
@pytest.mark.parametrize(
    ("fault", "code", "action"),
    [
        ({"fault": "vanish"}, "not_found", "you"),
        ({"fault": "status", "status": 401}, "credential", "you"),
        ({"fault": "garbage"}, "unreadable", "provider"),
        ({"fault": "other_project"}, "unreadable", "provider"),
    ],
    ids=["vanish", "401", "garbage for ever", "other project"],
)
def test_an_export_fails_with_a_reason_after(
    cast: Cast,
    sandbox: Sandbox,
    origin_of: OriginOf,
    provider: str,
    type_: str,
    fault: dict[str, object],
    code: str,
    action: str,
) -> None:
    if fault["fault"] == "other_project" and provider == VIDEOS:
        pytest.skip("Its answer about progress names no project at all.")
    sandbox.fault(provider=provider, project=PROJECTS[provider], on="poll", **fault)
    export = run_to_end(request_export(cast.project(provider, origin_of(provider)), cast.member, type_))

    assert (export.status, export.error_code, export.error_action) == (states.FAILED, code, action)
    assert export.error_message


@pytest.mark.parametrize(("provider", "type_"), TYPE_OF_EACH_PROVIDER)
def test_a_job_that_fails_at_the_provider_says_so(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, provider: str, type_: str
) -> None:
    sandbox.fault(provider=provider, project=PROJECTS[provider], on="submit", fault="job_fails")
    export = run_to_end(request_export(cast.project(provider, origin_of(provider)), cast.member, type_))

    assert (export.status, export.error_code, export.error_action) == (states.FAILED, "provider_failed", "provider")
    assert export.provider_status


@pytest.mark.parametrize("word", ["canceled", "cancelled"])
def test_staff_of_the_provider_may_cancel(cast: Cast, sandbox: Sandbox, origin_of: OriginOf, word: str) -> None:
    sandbox.fault(provider=TABLES, project="4001", on="submit", fault="canceled_by_staff", word=word)
    export = run_to_end(request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders"))

    assert (export.status, export.provider_status) == (states.CANCELED, word)
    assert Change.objects.filter(export=export).last().source == "poll"


def test_an_unknown_word_moves_nothing_and_is_recorded(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    sandbox.fault(provider=TABLES, project="4001", on="poll", fault="unknown_word", word="ruminating", times=2)
    export = run_to_end(request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders"))

    assert export.status == states.SUCCEEDED
    row = Change.objects.get(export=export, provider_status="ruminating")
    assert (row.from_status, row.to_status) == (states.PROCESSING, states.PROCESSING)
    assert "ruminating" in row.note


@pytest.mark.postgresql
def test_equal_polls_add_no_row(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    sandbox.fault(provider=ARCHIVES, project="100001", on="submit", fault="endless")
    export = request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive")
    for _ in range(5):
        take_step(export)
    assert Change.objects.filter(export=export).count() == 2


@pytest.mark.postgresql
def test_the_time_between_polls_grows(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    sandbox.fault(provider=TABLES, project="4001", on="submit", fault="endless")
    export = request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders")
    gaps = []
    for _ in range(8):
        before = clock.now()
        gaps.append((take_step(export).next_step_at - before).total_seconds())
    assert gaps[-1] > 4 * gaps[1]


def test_a_deadline_ends_the_watch_and_says_that_the_job_may_still_run(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    sandbox.fault(provider=ARCHIVES, project="100001", on="submit", fault="endless")
    export = take_step(request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive"))
    Export.objects.filter(pk=export.pk).update(deadline_at=clock.now() - timedelta(seconds=1))
    export = take_step(export)

    assert (export.status, export.error_code, export.error_action) == (states.FAILED, "deadline", "you")
    assert "may still run" in export.error_message
    assert Change.objects.filter(export=export).last().source == "watchdog"


@pytest.mark.postgresql
def test_a_429_pauses_the_whole_credential(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    sandbox.fault(provider=ARCHIVES, project="*", on="poll", fault="429", retry_after=30, times=1)
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    first, second = (
        request_export(project, cast.member, "archive"),
        request_export(project, cast.member, "archive", allow_duplicate=True),
    )
    take_step(first), take_step(second)
    take_step(first)
    before = sandbox.ledger()["requests"][ARCHIVES].get("poll", 0)
    second = take_step(second)

    assert sandbox.ledger()["requests"][ARCHIVES].get("poll", 0) == before
    assert 25 < (second.next_step_at - clock.now()).total_seconds() < 35
    assert "limit" in second.wait_note
    RateLimitPause.objects.update(until=clock.now())
    assert run_to_end(second).status == states.SUCCEEDED


def test_a_token_that_ended_is_renewed_once(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    export = request_export(cast.project(VIDEOS, origin_of(VIDEOS)), cast.member, "video")
    take_step(export)
    sandbox.expire_tokens()
    export = run_to_end(export)

    assert export.status == states.SUCCEEDED
    assert sandbox.ledger()["jobs"][VIDEOS] == {PROJECTS[VIDEOS]: 1}


def test_done_without_a_file_is_polled_a_few_times_and_then_a_failure(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    sandbox.fault(provider=ARCHIVES, project="100001", on="submit", fault="no_file")
    export = run_to_end(request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive"))

    assert (export.status, export.error_code, export.error_action) == (states.FAILED, "no_file", "provider")
