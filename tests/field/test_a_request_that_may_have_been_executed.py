"""What providers really answer to the request for a job, and that they are asked once, or twice at the very most."""

from typing import Any

import pytest

from exports import states
from exports.models import Change, Export
from tests.field.conftest import LIST, POLL, SUBMIT, Field, recorded
from tests.helpers.roles import TABLES
from tests.helpers.samples import PROVABLE, SAMPLES, SEARCHABLE, SENT_ONCE
from tests.helpers.stub_server import ReceivedRequest, Reply


def notes(export: Export) -> str:
    return "\n".join(Change.objects.filter(export=export).values_list("note", flat=True))


def ended(export: Export) -> tuple[str, str, str]:
    return export.status, export.error_code, export.error_action


TAKEN: dict[str, Reply] = {
    "202 without a body": recorded("accepted-without-id.http"),
    "202 with a sentence": Reply(202, "Your export is on its way.", {"Content-Type": "text/plain"}),
    "201 that is no JSON": Reply(201, b'{"id": 5\xff01'),
    "200 with a page": Reply(200, "<html>Thank you</html>", {"Content-Type": "text/html"}),
    "201 without an id": Reply(201, {"status": "running", "success": True, "data": {}}),
    "204": Reply(204),
    "201 cut off": Reply(raw=b'HTTP/1.1 201 Created\r\nContent-Length: 60\r\nConnection: close\r\n\r\n{"id": 50'),
}


@pytest.mark.parametrize("provider", SENT_ONCE)
@pytest.mark.parametrize("answer", TAKEN.values(), ids=TAKEN)
def test_after_a_2xx_that_names_no_job_the_request_is_never_sent_again(
    field: Field, provider: str, answer: Reply
) -> None:
    field.server.on(SUBMIT[provider], answer)
    export = field.run(provider)

    assert ended(export) == (states.FAILED, "unconfirmed", "you")
    assert field.requests(provider) == 1
    assert "the request counts as taken, and it is not sent again" in notes(export)
    if provider in SEARCHABLE:
        assert 240 < field.time.passed < 400


def test_meanwhile_it_stays_open(field: Field) -> None:
    field.server.on(SUBMIT[TABLES], TAKEN["202 without a body"])
    export = field.run(TABLES, minutes=3)
    assert (export.status, export.may_ask_again) == (states.WAITING, False)


@pytest.mark.parametrize("provider", PROVABLE)
@pytest.mark.parametrize("lag", [20, 100, 200])
@pytest.mark.parametrize(
    "answer", [TAKEN["202 without a body"], Reply(500, {"error": "boom"}), Reply(504), Reply(cut=True)]
)
def test_a_job_that_a_late_list_shows_is_found_and_there_is_no_second(
    field: Field, provider: str, lag: float, answer: Reply
) -> None:
    listed = SAMPLES[provider].listed
    empty, full = Reply(body=listed()), Reply(body=listed(field.job(provider)))
    made: list[Any] = []

    def list_jobs(request: ReceivedRequest) -> Reply:
        return full if made and field.time.passed - made[0] >= lag else empty

    def make(request: ReceivedRequest) -> Reply:
        made.append(field.time.passed)
        return answer

    field.server.on(SUBMIT[provider], make)
    field.server.on(LIST[provider], list_jobs)
    field.server.on(POLL[provider], Reply(body=field.job(provider)))
    export = field.run(provider)

    assert (export.status, export.error_message) == (states.SUCCEEDED, "")
    assert (len(made), export.remote_id) == (1, "501")
    assert "Found the job" in notes(export)


@pytest.mark.parametrize("provider", [slug for slug in PROVABLE if slug in SENT_ONCE])
@pytest.mark.parametrize(
    "answer", [Reply(500, {"error": "boom"}), Reply(504, "<html>"), Reply(503), Reply(cut=True), Reply(302)], ids=str
)
def test_a_request_whose_effect_stays_unknown_is_sent_at_most_twice(field: Field, provider: str, answer: Reply) -> None:
    field.server.on(SUBMIT[provider], answer)
    export = field.run(provider)

    assert ended(export) == (states.FAILED, "unconfirmed", "you")
    assert field.requests(provider) == 2
    assert notes(export).count("It is sent once more, and not again after that.") == 1
    assert notes(export).count("The portal looks for the job.") == 2
    assert "stays without the job" in export.error_message


@pytest.mark.parametrize("provider", [slug for slug in SENT_ONCE if slug not in PROVABLE])
def test_where_no_list_can_prove_an_absence_there_is_no_second_request(field: Field, provider: str) -> None:
    field.server.on(SUBMIT[provider], Reply(500, {"error": "boom"}))
    assert ended(field.run(provider)) == (states.FAILED, "unconfirmed", "you")
    assert field.requests(provider) == 1


def test_a_job_that_turns_up_right_before_the_second_request_is_taken(field: Field) -> None:
    searches: list[float] = []

    def list_jobs(request: ReceivedRequest) -> Reply:
        searches.append(field.time.passed)
        # Before the request, four searches, and before the second request: its baseline, and one more search.
        return Reply(body=SAMPLES[TABLES].listed(*[field.job(TABLES)] * (len(searches) >= 6)))

    field.server.on(SUBMIT[TABLES], Reply(500))
    field.server.on(LIST[TABLES], list_jobs)
    field.server.on(POLL[TABLES], Reply(body=field.job(TABLES)))
    export = field.run(TABLES)
    assert (export.status, field.requests(TABLES), len(searches)) == (states.SUCCEEDED, 1, 7)


def test_a_second_request_that_is_refused_says_that_the_first_may_have_been_executed(field: Field) -> None:
    busy = Reply(409, [{"classification": "ValueError", "message": "An export is running"}])
    field.server.on(SUBMIT[TABLES], Reply(500), busy)
    export = field.run(TABLES)
    assert ended(export) == (states.FAILED, "unconfirmed", "you")
    assert "An export is running" in export.error_message
    assert field.requests(TABLES) == 2


@pytest.mark.parametrize("route", [LIST[TABLES], SUBMIT[TABLES]])
@pytest.mark.parametrize("status", [401, 404])
def test_what_ends_an_export_after_a_request_in_doubt_says_that_there_may_be_a_job(
    field: Field, route: str, status: int
) -> None:
    export = field.ask(TABLES)
    field.server.on(SUBMIT[TABLES], Reply(500))
    for _ in range(30):  # until the second request is about to be sent
        field.time.run(export, minutes=0.5)
        export.refresh_from_db()
        if not export.may_ask_again:
            break
        field.time.traveller.shift(20)
    refusal = Reply(status, [{"classification": "ValueError", "message": "Not any more"}])
    field.server.on(route, refusal)
    export = field.time.run(export)
    assert ended(export) == (states.FAILED, "unconfirmed", "you")
    assert "it is not known whether there is a job" in export.error_message
    assert field.requests(TABLES) <= 2


def test_a_list_that_fails_now_and_then_proves_nothing_by_that(field: Field) -> None:
    empty = Reply(body=SAMPLES[TABLES].listed())
    firewall = recorded("firewall-page.http")
    field.server.on(SUBMIT[TABLES], Reply(500))
    field.server.on(LIST[TABLES], empty, firewall, empty, Reply(502), Reply(body="<html>"), firewall, empty)
    export = field.run(TABLES)
    assert ended(export) == (states.FAILED, "unconfirmed", "you")
    assert field.requests(TABLES) == 2
