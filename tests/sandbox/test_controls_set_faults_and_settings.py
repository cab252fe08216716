"""Faults and settings of the stand-ins are set over HTTP, and the first page describes them."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from exports.sandbox.server import Sandbox
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES
from tests.sandbox.provider_clients import TIMEOUT_SECONDS, Client

Make = Callable[[str], Client]


def post(sandbox: Sandbox, path: str, body: Any) -> requests.Response:
    return requests.post(sandbox.address + path, json=body, timeout=TIMEOUT_SECONDS)


def test_a_fault_is_put_in_force_shown_with_its_count_and_dropped(client: Make, sandbox: Sandbox) -> None:
    rule = {"provider": TABLES, "project": "4001", "on": "submit", "fault": "status", "status": 500, "times": 1}
    answer = post(sandbox, "/control/faults", rule)
    assert answer.status_code == 201
    tables = client(TABLES)
    assert [tables.submit().status_code for _ in range(2)] == [500, 201]
    [shown] = requests.get(sandbox.address + "/control/faults", timeout=TIMEOUT_SECONDS).json()["faults"]
    assert (shown["id"], shown["fired"], shown["matched"]) == (answer.json()["id"], 1, 2)
    assert requests.delete(sandbox.address + "/control/faults", timeout=TIMEOUT_SECONDS).status_code == 204
    assert requests.get(sandbox.address + "/control/faults", timeout=TIMEOUT_SECONDS).json()["faults"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"fault": "gremlins"},
        {"fault": "dead_link", "on": "poll"},
        {"fault": "slow", "colour": "red"},
        {"fault": "slow", "provider": "acme"},
        {"fault": "slow", "times": "twice"},
        ["slow"],
    ],
)
def test_a_fault_that_could_never_happen_is_refused_with_a_reason(sandbox: Sandbox, wrong: Any) -> None:
    answer = post(sandbox, "/control/faults", wrong)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_some_requests_can_be_skipped_and_others_chosen_by_chance(client: Make, sandbox: Sandbox) -> None:
    tables = client(TABLES)
    sandbox.fault(provider=TABLES, on="auth", fault="status", status=500, after=2, times=1)
    assert [tables.call("GET", "/v1/me").status_code for _ in range(4)] == [200, 200, 500, 200]
    sandbox.clear_faults()
    runs = []
    for _ in range(2):
        number = sandbox.fault(provider=TABLES, on="auth", fault="status", status=500, probability=0.5, seed=7)
        runs.append([tables.call("GET", "/v1/me").status_code for _ in range(20)])
        assert sandbox.fired(number) == runs[-1].count(500)
        sandbox.clear_faults()
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


def test_a_fault_can_be_for_every_provider_and_request(client: Make, sandbox: Sandbox) -> None:
    number = sandbox.fault(provider="*", project="*", on="*", fault="status", status=503)
    assert client(CHANGING).submit("11").status_code == 503
    assert client(TABLES).call("GET", "/v1/me").status_code == 503
    assert sandbox.fired(number) == 2


def test_settings_can_be_changed_and_wrong_ones_are_refused(sandbox: Sandbox) -> None:
    assert post(sandbox, "/control/settings", {"time_scale": 0.5, "limits": "off"}).json()["time_scale"] == 0.5
    for wrong in (
        {"time_scale": 0},
        {"limits": "many"},
        {"colour": "red"},
        {"file_bytes": -1},
        {"time_scale": 2, "x": 1},
    ):
        assert post(sandbox, "/control/settings", wrong).status_code == 400
    assert requests.get(sandbox.address + "/control/settings", timeout=TIMEOUT_SECONDS).json()["time_scale"] == 0.5


def test_a_reset_brings_back_the_beginning(client: Make, sandbox: Sandbox) -> None:
    changing = client(CHANGING)
    job = changing.start("10")
    changing.wait(job)
    sandbox.fault(fault="slow")
    assert post(sandbox, "/control/reset", {}).status_code == 204
    assert changing.poll(job).status_code == 404
    assert changing.call("GET", "/api/v1/projects/10").json()["status"] == "ACTIVE"
    assert (sandbox.faults(), sandbox.ledger()["jobs"][CHANGING]) == ([], {})


def test_the_first_page_says_that_this_is_a_stand_in(sandbox: Sandbox) -> None:
    answer = requests.get(sandbox.address + "/", timeout=TIMEOUT_SECONDS)
    assert "These are stand-ins for services, not the services themselves." in answer.text
    assert answer.headers["Server"] == "export-portal-stand-in"
    for text in (sandbox.origin(CHANGING), "sandbox-secret", "4001", "65fa6b07dca2e36746100101", "100101"):
        assert text in answer.text


def test_unknown_paths_are_404(sandbox: Sandbox) -> None:
    for path in (
        "/nothing",
        "/control/nothing",
        f"/{ARCHIVES}",
        f"/{CHANGING}/api/v1/nothing",
        f"/{TABLES}/v1/nothing",
    ):
        assert requests.get(sandbox.address + path, timeout=TIMEOUT_SECONDS).status_code in (401, 404)
