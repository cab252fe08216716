"""Faults of single requests really happen, are counted, and do or do not make the job."""

import http.client
import json
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from exports.sandbox.server import Sandbox
from tests.helpers.roles import ARCHIVES, VIDEOS
from tests.sandbox.provider_clients import HEALTHY_PROJECTS, TIMEOUT_SECONDS, Client

Make = Callable[[str], Client]
LOST = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def put(sandbox: Sandbox, fault: str, on: str = "submit", provider: str = ARCHIVES, **more: Any) -> int:
    return sandbox.fault(provider=provider, project=HEALTHY_PROJECTS[provider], on=on, fault=fault, **more)


def made(sandbox: Sandbox, provider: str = ARCHIVES) -> int:
    return sandbox.jobs(provider, HEALTHY_PROJECTS[provider])


def test_a_slow_answer_comes_late_but_the_job_is_made_at_once(client: Make, sandbox: Sandbox) -> None:
    number, play = put(sandbox, "slow", seconds=0.4), client(ARCHIVES)
    started = time.monotonic()
    with pytest.raises(requests.Timeout):
        play.http.post(f"{play.origin}/api/projects/100001/export", json={}, timeout=0.1)
    assert (made(sandbox), sandbox.fired(number)) == (1, 1)
    assert play.submit().ok
    assert time.monotonic() - started > 0.4


@pytest.mark.parametrize("provider", HEALTHY_PROJECTS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 502, 503])
def test_any_status_can_be_answered_without_doing_anything(
    client: Make, sandbox: Sandbox, provider: str, status: int
) -> None:
    number, one = put(sandbox, "status", provider=provider, status=status, times=1), client(provider)
    answer = one.submit()
    assert (answer.status_code, made(sandbox, provider), sandbox.fired(number)) == (status, 0, 1)
    if status == 502:
        assert answer.text.startswith("<!doctype html>")
    else:
        one.check_error(answer)
    assert one.submit().ok


def test_an_error_can_also_come_after_the_job_was_made(client: Make, sandbox: Sandbox) -> None:
    number = put(sandbox, "status", status=500, done=True)
    assert client(ARCHIVES).submit().status_code == 500
    assert (made(sandbox), sandbox.fired(number)) == (1, 1)


def test_a_body_and_headers_can_be_given(client: Make, sandbox: Sandbox) -> None:
    put(sandbox, "status", status=418, body={"tea": True}, headers={"X-Tea": "green"})
    answer = client(ARCHIVES).submit()
    assert (answer.status_code, answer.json(), answer.headers["X-Tea"]) == (418, {"tea": True}, "green")


@pytest.mark.parametrize(
    ("given", "wanted"), [(7, "7"), (None, None), ("absent", None), ("absurd", "1000000000"), ("soon", "soon")]
)
def test_429_can_say_when_to_come_back_in_several_ways(
    client: Make, sandbox: Sandbox, given: object, wanted: str | None
) -> None:
    put(sandbox, "429", retry_after=given)
    answer = client(ARCHIVES).submit()
    assert (answer.status_code, answer.headers.get("Retry-After"), made(sandbox)) == (429, wanted, 0)


def test_429_can_give_a_date(client: Make, sandbox: Sandbox) -> None:
    put(sandbox, "429", retry_after="date", seconds=30)
    when = parsedate_to_datetime(client(ARCHIVES).submit().headers["Retry-After"])
    assert 25 < when.timestamp() - time.time() <= 30


@pytest.mark.parametrize(("fault", "jobs"), [("cut", 0), ("lost_answer", 1), ("half_answer", 1)])
@pytest.mark.parametrize("provider", HEALTHY_PROJECTS)
def test_an_answer_can_be_lost_before_or_after_the_job_was_made(
    client: Make, sandbox: Sandbox, provider: str, fault: str, jobs: int
) -> None:
    number, one = put(sandbox, fault, provider=provider, times=1), client(provider)
    with pytest.raises(LOST):
        one.submit()
    assert (made(sandbox, provider), sandbox.fired(number)) == (jobs, 1)


def test_half_an_answer_really_is_half_of_it(client: Make, sandbox: Sandbox) -> None:
    play = client(ARCHIVES)
    job = play.start()
    put(sandbox, "half_answer", on="poll")
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=TIMEOUT_SECONDS)
    connection.request("GET", f"/{ARCHIVES}/api/jobs/{job}", headers={"Authorization": "Bearer sandbox-token"})
    answer = connection.getresponse()
    with pytest.raises(http.client.IncompleteRead) as caught:
        answer.read()
    assert 0 < len(caught.value.partial) == int(answer.headers["Content-Length"]) // 2
    connection.close()


@pytest.mark.parametrize("variant", ["html", "text", "empty", "utf8", "nested"])
def test_garbage_is_answered_with_200_and_cannot_be_read(client: Make, sandbox: Sandbox, variant: str) -> None:
    number = put(sandbox, "garbage", variant=variant)
    answer = client(ARCHIVES).submit()
    assert (answer.status_code, made(sandbox), sandbox.fired(number)) == (200, 1, 1)
    with pytest.raises((ValueError, RecursionError)):
        json.loads(answer.content)


@pytest.mark.parametrize("provider", HEALTHY_PROJECTS)
def test_an_answer_can_be_huge_and_still_hold_the_job(client: Make, sandbox: Sandbox, provider: str) -> None:
    one = client(provider)
    job = one.start()
    number = put(sandbox, "huge_json", on="poll", provider=provider)
    answer = one.poll(job)
    assert len(answer.content) > 20_000_000
    assert len(answer.json()) > 1
    assert sandbox.fired(number) == 1


def test_an_answer_can_come_compressed_unasked(client: Make, sandbox: Sandbox) -> None:
    put(sandbox, "gzip")
    answer = client(ARCHIVES).call("POST", "/api/projects/100001/export", headers={"Accept-Encoding": "identity"})
    assert (answer.headers["Content-Encoding"], answer.json()["status"]) == ("gzip", "running")


def test_an_answer_can_trickle_in(client: Make, sandbox: Sandbox) -> None:
    put(sandbox, "drip", seconds=0.4)
    started = time.monotonic()
    assert client(ARCHIVES).submit().json()["status"] == "running"
    assert time.monotonic() - started > 0.35


def test_reading_and_signing_in_can_fail_too(client: Make, sandbox: Sandbox) -> None:
    one = client(VIDEOS)
    numbers = [sandbox.fault(provider=VIDEOS, on=on, fault="status", status=503) for on in ("auth", "list")]
    assert one.call("GET", "/api/odin/v3/auth").status_code == 503
    assert one.call("GET", "/api/odin/v3/editor/project").status_code == 503
    assert [sandbox.fired(number) for number in numbers] == [1, 1]


def test_a_keepalive_connection_survives_a_fault_that_does_not_cut_it(client: Make, sandbox: Sandbox) -> None:
    put(sandbox, "status", status=500, times=1)
    put(sandbox, "garbage", times=1)
    play = client(ARCHIVES)
    assert [play.submit().status_code for _ in range(3)] == [500, 200, 200]
