"""A file that is not at its host yet is waited for with growing pauses; only what stays so ends the export."""

import time

import pytest
from pytest_django.fixtures import Settings

from exports import states
from exports.steps.late_files import LATE_FILE_PAUSES
from tests.helpers.cast import Cast
from tests.helpers.file_host import run_file_host
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import request_export, run_to_end, take_step
from tests.helpers.stub_server import Reply
from tests.helpers.worker import running_worker

ORDERS = Reply(200, b"id;mail\n1;a@b.c\n", {"Content-Type": "text/csv"})
NO_SUCH_KEY = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code></Error>'
NOT_YET = {
    "S3": Reply(404, NO_SUCH_KEY, {"Content-Type": "application/xml"}),
    "forbidden": Reply(403, "<Error><Code>AccessDenied</Code></Error>"),
    "gone": Reply(410, "gone"),
    "accepted": Reply(202, "Your file is being prepared."),
    "no content": Reply(204),
    "too early": Reply(425, ""),
    "empty": Reply(200, b""),
    "page": Reply(200, b"<html><body>Please wait</body></html>", {"Content-Type": "text/html"}),
    "not ready": Reply(200, b'{"status": "pending"}', {"Content-Type": "application/json"}),
    "sentence": Reply(200, b"The export is not ready yet.", {"Content-Type": "text/plain"}),
}


@pytest.mark.parametrize("answer", NOT_YET.values(), ids=NOT_YET)
def test_a_file_that_is_there_after_some_answers_is_fetched(cast: Cast, settings: Settings, answer: Reply) -> None:
    with run_file_host(cast, settings, "csv") as host:
        export = host.fetch(answer, answer, answer, ORDERS)
    assert export.status == states.SUCCEEDED, export.error_message


@pytest.mark.parametrize(("answer", "code"), [("S3", "no_file"), ("page", "bad_file"), ("empty", "bad_file")])
def test_what_stays_so_ends_the_export_and_says_for_how_long(
    cast: Cast, settings: Settings, answer: str, code: str
) -> None:
    with run_file_host(cast, settings, "csv") as host:
        export = host.fetch(NOT_YET[answer])
        tries = len(host.stub.requests_to(host.file_route))
    assert (export.status, export.error_code) == (states.FAILED, code)
    assert tries == len(LATE_FILE_PAUSES) + 1
    assert f"for 3 minutes, {tries} tries in a row" in export.error_message


def test_the_pauses_grow_and_last_four_minutes_at_most(cast: Cast, settings: Settings) -> None:
    with run_file_host(cast, settings, "csv") as host:
        host.stub.on(host.file_route, NOT_YET["S3"])
        export = take_step(host.request())
        waits = []
        while export.is_open:
            export = take_step(export)
            if export.is_open:
                waits.append((export.next_step_at - export.created_at).total_seconds())
    assert waits[8] > 40 > waits[3] > waits[0]
    assert 150 < sum(LATE_FILE_PAUSES) < 240


def test_a_fresh_link_is_asked_for_at_the_first_and_before_the_last_try(cast: Cast, settings: Settings) -> None:
    with run_file_host(cast, settings, "csv") as host:
        host.fetch(NOT_YET["S3"])
        assert len(host.stub.requests_to(host.job_route)) == 1 + 2


def test_an_expired_link_is_replaced_at_once(cast: Cast, settings: Settings) -> None:
    with run_file_host(cast, settings, "csv") as host:
        host.stub.on(host.job_route, host.job(f"{host.stub.origin}/expired.csv"), host.job())
        host.stub.on("GET /expired.csv", Reply(403, "Request has expired"))
        host.stub.on(host.file_route, ORDERS)
        export = run_to_end(host.request())
        assert export.status == states.SUCCEEDED
        assert len(host.stub.requests_to("GET /expired.csv")) == 1


def test_a_provider_that_refuses_a_fresh_link_once_does_not_end_it(cast: Cast, settings: Settings) -> None:
    with run_file_host(cast, settings, "csv") as host:
        host.stub.on(host.job_route, host.job(), Reply(404, {"error": "unknown"}), host.job())
        export = host.fetch(NOT_YET["S3"], ORDERS)
    assert export.status == states.SUCCEEDED


@pytest.mark.parametrize(
    "answer", [Reply(500, "boom"), Reply(403, "<html>checking your browser</html>"), Reply(404, {})]
)
def test_a_provider_that_does_not_answer_well_either_changes_nothing(
    cast: Cast, settings: Settings, answer: Reply
) -> None:
    with run_file_host(cast, settings, "csv") as host:
        host.stub.on(host.job_route, host.job(), answer)
        export = host.fetch(NOT_YET["S3"])
        assert len(host.stub.requests_to(host.file_route)) == len(LATE_FILE_PAUSES) + 1
    assert (export.status, export.error_code) == (states.FAILED, "no_file")


@pytest.mark.slow(seconds=10)
@pytest.mark.django_db(transaction=True)
def test_a_worker_fetches_a_file_that_comes_six_seconds_late(cast: Cast, settings: Settings) -> None:
    with run_file_host(cast, settings, "csv") as host, running_worker(2):
        begun = time.monotonic()
        late = NOT_YET["S3"]
        host.stub.on(host.file_route, lambda _: ORDERS if time.monotonic() > begun + 6 else late)
        project = cast.project(TABLES, host.stub.origin)
        export = request_export(project, cast.member, "orders", "csv", adopt=host.sample.remote_id)
        while export.is_open and time.monotonic() < begun + 25:
            time.sleep(0.2)
            export.refresh_from_db()
    assert export.status == states.SUCCEEDED
