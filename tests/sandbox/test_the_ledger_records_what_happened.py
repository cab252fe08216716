"""The ledger records jobs, submissions, requests and leaked credentials."""

from collections.abc import Callable

import requests

from exports.sandbox.registry import DECLARATIONS
from exports.sandbox.server import Sandbox
from tests.helpers.roles import ARCHIVES, TABLES
from tests.sandbox.provider_clients import TIMEOUT_SECONDS, Client, download

Make = Callable[[str], Client]


def test_jobs_are_counted_per_project(client: Make, sandbox: Sandbox) -> None:
    play = client(ARCHIVES)
    for _ in range(3):
        play.submit("100001")
    play.submit("100002")
    play.submit("1")
    ledger = requests.get(sandbox.address + "/ledger", timeout=TIMEOUT_SECONDS).json()
    assert ledger["jobs"] == {**{slug: {} for slug in DECLARATIONS}, ARCHIVES: {"100001": 3, "100002": 1}}
    assert ledger == sandbox.ledger()


def test_submissions_carry_the_clients_correlation_and_what_was_asked(client: Make, sandbox: Sandbox) -> None:
    tables = client(TABLES)
    wish = {"format": "xlsx", "type": "orders", "columns": {"order.id": "No"}}
    answer = tables.call("POST", "/v1/projects/4001/exports", json=wish, headers={"X-Request-Id": "abc-1"})
    [entry] = sandbox.ledger()["submissions"]
    assert (entry["provider"], entry["project"], entry["id"]) == (TABLES, "4001", str(answer.json()["id"]))
    assert (entry["format"], entry["options"], entry["correlation"]) == (
        "xlsx",
        {"columns": {"order.id": "No"}},
        "abc-1",
    )
    assert entry["fault"] is None


def test_a_job_whose_answer_was_lost_is_in_the_ledger(client: Make, sandbox: Sandbox) -> None:
    sandbox.fault(provider=TABLES, on="submit", fault="status", status=500, done=True)
    client(TABLES).submit()
    assert sandbox.ledger()["submissions"][0]["fault"] == "status"
    assert sandbox.jobs(TABLES, "4001") == 1


def test_requests_are_counted_by_what_they_are_for(client: Make, sandbox: Sandbox) -> None:
    tables = client(TABLES)
    job = tables.start()
    tables.poll(job)
    tables.poll(job)
    tables.call("GET", "/v1/me")
    tables.call("GET", "/v1/projects/4001/exports")
    assert sandbox.ledger()["requests"][TABLES] == {"submit": 1, "poll": 2, "auth": 1, "list": 1}


def test_a_credential_sent_to_the_file_server_is_noticed_but_not_written_down(client: Make, sandbox: Sandbox) -> None:
    link = client(ARCHIVES).link()
    download(link)
    assert sandbox.ledger()["credential_leaks"] == []
    download(link, Authorization="Bearer sandbox-token")
    download(f"{link}?access_token=sandbox-token")
    leaks = sandbox.ledger()["credential_leaks"]
    assert [leak["carried"] for leak in leaks] == [["Authorization"], ["?access_token"]]
    assert "sandbox-token" not in str(leaks)
