"""Faults of jobs really happen, in the provider's own words, and are counted."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS
from tests.sandbox.provider_clients import HEALTHY_PROJECTS, Client, can_show, set_progress, slow_down_jobs, with_links

Make = Callable[[str], Client]


def put(sandbox: Sandbox, provider: str, fault: str, **more: Any) -> int:
    return sandbox.fault(provider=provider, project=HEALTHY_PROJECTS[provider], fault=fault, **more)


def leaves(value: Any) -> list[str]:
    """Every single value of an answer; not its text, for times hold all sorts of numbers."""
    if isinstance(value, dict):
        value = list(value.values())
    return [one for item in value for one in leaves(item)] if isinstance(value, list) else [str(value)]


@pytest.mark.parametrize("provider", HEALTHY_PROJECTS)
@pytest.mark.parametrize("on", ["submit", "poll"])
def test_a_job_may_never_end(client: Make, sandbox: Sandbox, provider: str, on: str) -> None:
    number, one = put(sandbox, provider, "endless", on=on), client(provider)
    job = one.start()
    set_progress(sandbox, provider, HEALTHY_PROJECTS[provider], 2.0)
    seen = one.job_status(job)
    assert (seen.ended, seen.link, sandbox.fired(number)) == (False, None, 1)


@pytest.mark.parametrize(
    ("provider", "word"), [(ARCHIVES, "error"), (VIDEOS, "failed"), (CHANGING, "FAIL"), (TABLES, "failed")]
)
@pytest.mark.parametrize("on", ["submit", "poll"])
def test_a_job_may_fail(client: Make, sandbox: Sandbox, provider: str, word: str, on: str) -> None:
    number, one = put(sandbox, provider, "job_fails", on=on), client(provider)
    seen = one.wait(one.start())
    assert (seen.word, seen.link, sandbox.fired(number)) == (word, None, 1)
    if provider == ARCHIVES:
        assert seen.raw["messages"] == ["Could not export"]


def test_a_failed_export_is_failed_in_the_list_as_well(client: Make, sandbox: Sandbox) -> None:
    put(sandbox, TABLES, "job_fails")
    tables = client(TABLES)
    tables.wait(tables.start())
    assert tables.call("GET", "/v1/projects/4001/exports").json()["exports"][0]["status"] == "failed"


@pytest.mark.parametrize("word", ["canceled", "cancelled"])
def test_the_providers_staff_may_cancel(client: Make, sandbox: Sandbox, word: str) -> None:
    number, tables = put(sandbox, TABLES, "canceled_by_staff", word=word), client(TABLES)
    assert (tables.wait(tables.start()).word, sandbox.fired(number)) == (word, 1)


@pytest.mark.parametrize("provider", with_links())
def test_a_job_may_be_done_without_a_file(client: Make, sandbox: Sandbox, provider: str) -> None:
    number, one = put(sandbox, provider, "no_file"), client(provider)
    seen = one.wait(one.start())
    assert (seen.ended, seen.link, sandbox.fired(number)) == (True, None, 1)


@pytest.mark.parametrize("provider", with_links())
def test_a_link_may_come_later_than_the_end(client: Make, sandbox: Sandbox, provider: str) -> None:
    number, one = put(sandbox, provider, "late_link", seconds=0.5), client(provider)
    job = one.start()
    seen = one.wait(job)
    assert (seen.ended, seen.link, sandbox.fired(number)) == (True, None, 1)
    time.sleep(0.6)
    assert one.job_status(job).link


@pytest.mark.parametrize("provider", can_show("poll", "id_as_text"))
def test_an_id_may_be_a_text(client: Make, sandbox: Sandbox, provider: str) -> None:
    number, one = put(sandbox, provider, "id_as_text", on="submit", times=1), client(provider)
    assert isinstance(one.submit().json()["id"], str)
    assert isinstance(one.submit().json()["id"], int)
    assert sandbox.fired(number) == 1


@pytest.mark.parametrize(
    ("provider", "project", "path"),
    [(TABLES, "4001", "/v1/projects/4001/exports"), (CHANGING, "*", "/api/v1/operations")],
)
def test_a_list_may_be_late(client: Make, sandbox: Sandbox, provider: str, project: str, path: str) -> None:
    one = client(provider)
    job = one.start()
    number = sandbox.fault(provider=provider, project=project, on="list", fault="late_list", seconds=0.5)
    assert job not in leaves(one.call("GET", path).json())
    time.sleep(0.6)
    assert job in leaves(one.call("GET", path).json())
    assert sandbox.fired(number) == 2


@pytest.mark.parametrize("provider", HEALTHY_PROJECTS)
def test_a_status_word_may_be_unknown(client: Make, sandbox: Sandbox, provider: str) -> None:
    one = client(provider)
    job = one.start()
    number = put(sandbox, provider, "unknown_word", on="poll", times=1)
    assert (one.job_status(job).word, sandbox.fired(number)) == ("hibernating", 1)
    assert one.wait(job).word != "hibernating"


@pytest.mark.parametrize("provider", HEALTHY_PROJECTS)
def test_a_job_may_vanish_after_a_while(client: Make, sandbox: Sandbox, provider: str) -> None:
    number, one = put(sandbox, provider, "vanish", after=2), client(provider)
    job = one.start()
    assert [one.poll(job).status_code for _ in range(4)] == [200, 200, 404, 404]
    assert sandbox.fired(number) == 2


@pytest.mark.parametrize("provider", can_show("poll", "other_project"))
def test_an_answer_may_name_another_project(client: Make, sandbox: Sandbox, provider: str) -> None:
    one = client(provider)
    job = one.start()
    number = put(sandbox, provider, "other_project", on="poll")
    assert HEALTHY_PROJECTS[provider] not in leaves(one.poll(job).json())
    assert sandbox.fired(number) == 1


def test_ai_studios_may_name_another_project_when_asked(client: Make, sandbox: Sandbox) -> None:
    put(sandbox, VIDEOS, "other_project", on="submit")
    assert client(VIDEOS).submit().json()["data"]["projectId"] != HEALTHY_PROJECTS[VIDEOS]


def test_progress_may_go_back(client: Make, sandbox: Sandbox) -> None:
    slow_down_jobs(sandbox)
    studio = client(VIDEOS)
    job = studio.start()
    set_progress(sandbox, VIDEOS, job, 0.3)
    before = studio.job_status(job).raw["data"]["progress"]
    number = put(sandbox, VIDEOS, "progress_back", times=1)
    assert 0 < studio.job_status(job).raw["data"]["progress"] < before
    assert sandbox.fired(number) == 1
    assert studio.job_status(job).raw["data"]["progress"] >= before


def test_an_old_link_may_stay_for_a_while(client: Make, sandbox: Sandbox) -> None:
    studio = client(VIDEOS)
    old = studio.link()
    slow_down_jobs(sandbox)
    number = put(sandbox, VIDEOS, "stale")
    studio.start()
    seen = studio.job_status(HEALTHY_PROJECTS[VIDEOS])
    assert (seen.ended, seen.link, sandbox.fired(number)) == (True, old, 1)
    set_progress(sandbox, VIDEOS, HEALTHY_PROJECTS[VIDEOS], 0.5)
    assert not studio.job_status(HEALTHY_PROJECTS[VIDEOS]).ended
    set_progress(sandbox, VIDEOS, HEALTHY_PROJECTS[VIDEOS], 1.0)
    assert studio.job_status(HEALTHY_PROJECTS[VIDEOS]).link not in (None, old)


def test_a_project_that_failed_to_archive_stays_active(client: Make, sandbox: Sandbox) -> None:
    put(sandbox, CHANGING, "job_fails")
    changing = client(CHANGING)
    changing.wait(changing.start())
    assert changing.call("GET", "/api/v1/projects/10").json()["status"] == "ACTIVE"


def test_a_fault_of_times_one_leaves_the_next_job_alone(client: Make, sandbox: Sandbox) -> None:
    put(sandbox, TABLES, "job_fails", times=1)
    tables = client(TABLES)
    assert [tables.wait(tables.start()).word for _ in range(2)] == ["failed", "succeeded"]
