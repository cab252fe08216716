"""Faults in how a job goes: each shows in the provider's own words and is counted."""

from collections.abc import Callable
from typing import Any

import pytest

from exports.sandbox.server import Sandbox

from .habits import GOOD, Client, far_along, slowly

Make = Callable[[str], Client]


def put(box: Sandbox, provider: str, fault: str, **more: Any) -> int:
    return box.fault(provider=provider, project=GOOD[provider], fault=fault, **more)


def leaves(value: Any) -> list[str]:
    """Every single value of an answer; not its text, for times hold all sorts of numbers."""
    if isinstance(value, dict):
        value = list(value.values())
    return [one for item in value for one in leaves(item)] if isinstance(value, list) else [str(value)]


@pytest.mark.parametrize("provider", GOOD)
@pytest.mark.parametrize("on", ["submit", "poll"])
def test_a_job_may_never_end(client: Make, box: Sandbox, provider: str, on: str) -> None:
    number, one = put(box, provider, "endless", on=on), client(provider)
    job = one.start()
    far_along(box, provider, GOOD[provider], 2.0)
    seen = one.look(job)
    assert (seen.over, seen.link, box.fired(number)) == (False, None, 1)


@pytest.mark.parametrize(
    ("provider", "word"), [("playcanvas", "error"), ("aistudios", "failed"), ("toloka", "FAIL"), ("ulule", "failed")]
)
@pytest.mark.parametrize("on", ["submit", "poll"])
def test_a_job_may_fail(client: Make, box: Sandbox, provider: str, word: str, on: str) -> None:
    number, one = put(box, provider, "job_fails", on=on), client(provider)
    seen = one.wait(one.start())
    assert (seen.word, seen.link, box.fired(number)) == (word, None, 1)
    if provider == "playcanvas":
        assert seen.raw["messages"] == ["Could not export"]


def test_a_failed_export_is_failed_in_the_list_as_well(client: Make, box: Sandbox) -> None:
    put(box, "ulule", "job_fails")
    ulule = client("ulule")
    ulule.wait(ulule.start())
    assert ulule.call("GET", "/v1/projects/4001/exports").json()["exports"][0]["status"] == "failed"


@pytest.mark.parametrize("word", ["canceled", "cancelled"])
def test_ulules_staff_may_cancel(client: Make, box: Sandbox, word: str) -> None:
    number, ulule = put(box, "ulule", "canceled_by_staff", word=word), client("ulule")
    assert (ulule.wait(ulule.start()).word, box.fired(number)) == (word, 1)


@pytest.mark.parametrize("provider", ["playcanvas", "aistudios", "ulule"])
def test_a_job_may_be_done_without_a_file(client: Make, box: Sandbox, provider: str) -> None:
    number, one = put(box, provider, "no_file"), client(provider)
    seen = one.wait(one.start())
    assert (seen.over, seen.link, box.fired(number)) == (True, None, 1)


@pytest.mark.parametrize("provider", GOOD)
def test_a_status_word_may_be_unknown(client: Make, box: Sandbox, provider: str) -> None:
    one = client(provider)
    job = one.start()
    number = put(box, provider, "unknown_word", on="poll", times=1)
    assert (one.look(job).word, box.fired(number)) == ("hibernating", 1)
    assert one.wait(job).word != "hibernating"


@pytest.mark.parametrize("provider", GOOD)
def test_a_job_may_vanish_after_a_while(client: Make, box: Sandbox, provider: str) -> None:
    number, one = put(box, provider, "vanish", after=2), client(provider)
    job = one.start()
    assert [one.poll(job).status_code for _ in range(4)] == [200, 200, 404, 404]
    assert box.fired(number) == 2


@pytest.mark.parametrize("provider", ["playcanvas", "toloka", "ulule"])
def test_an_answer_may_name_another_project(client: Make, box: Sandbox, provider: str) -> None:
    one = client(provider)
    job = one.start()
    number = put(box, provider, "other_project", on="poll")
    assert GOOD[provider] not in leaves(one.poll(job).json())
    assert box.fired(number) == 1


def test_ai_studios_may_name_another_project_when_asked(client: Make, box: Sandbox) -> None:
    put(box, "aistudios", "other_project", on="submit")
    assert client("aistudios").submit().json()["data"]["projectId"] != GOOD["aistudios"]


def test_progress_may_go_back(client: Make, box: Sandbox) -> None:
    slowly(box)
    studio = client("aistudios")
    job = studio.start()
    far_along(box, "aistudios", job, 0.3)
    before = studio.look(job).raw["data"]["progress"]
    number = put(box, "aistudios", "progress_back", times=1)
    assert 0 < studio.look(job).raw["data"]["progress"] < before
    assert box.fired(number) == 1
    assert studio.look(job).raw["data"]["progress"] >= before


def test_an_old_link_may_stay_for_a_while(client: Make, box: Sandbox) -> None:
    studio = client("aistudios")
    old = studio.link()
    slowly(box)
    number = put(box, "aistudios", "stale")
    studio.start()
    seen = studio.look(GOOD["aistudios"])
    assert (seen.over, seen.link, box.fired(number)) == (True, old, 1)
    far_along(box, "aistudios", GOOD["aistudios"], 0.5)
    assert not studio.look(GOOD["aistudios"]).over
    far_along(box, "aistudios", GOOD["aistudios"], 1.0)
    assert studio.look(GOOD["aistudios"]).link not in (None, old)


def test_a_project_that_failed_to_archive_stays_active(client: Make, box: Sandbox) -> None:
    put(box, "toloka", "job_fails")
    toloka = client("toloka")
    toloka.wait(toloka.start())
    assert toloka.call("GET", "/api/v1/projects/10").json()["status"] == "ACTIVE"


def test_a_fault_of_times_one_leaves_the_next_job_alone(client: Make, box: Sandbox) -> None:
    put(box, "ulule", "job_fails", times=1)
    ulule = client("ulule")
    assert [ulule.wait(ulule.start()).word for _ in range(2)] == ["failed", "succeeded"]
