"""kill -9 of the worker at every kind of moment: the export still ends right, and was asked for once."""

import time

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, wait_for
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS

pytestmark = [pytest.mark.slow(seconds=50), pytest.mark.services, pytest.mark.timeout(300)]

RECOVERY_SECONDS = 15.0
# Of a worker, on a machine that runs other tests meanwhile.
STARTING = 15.0


def test_kills_before_submit_in_submit_in_poll_and_in_mid_download(portal: Installation, own_sandbox: Sandbox) -> None:
    own_sandbox.settings(file_bytes=8_000_000)
    portal.start_web()
    faults = {
        "before submit": own_sandbox.fault(
            provider=TABLES, project="4001", on="list", fault="slow", seconds=30, times=1
        ),
        "between request and answer": own_sandbox.fault(
            provider=CHANGING, project="10", on="submit", fault="slow", seconds=30, times=1
        ),
        "in a poll": own_sandbox.fault(
            # Twice: beside others a poll is given up after eight seconds, and then made alone.
            provider=ARCHIVES,
            project="100001",
            on="poll",
            fault="slow",
            seconds=30,
            times=2,
        ),
        "in mid-download": own_sandbox.fault(
            provider=VIDEOS, project="65fa6b07dca2e367461a2925", on="file", fault="drip", seconds=60, times=1
        ),
    }
    asked = {
        "before submit": portal.ask(portal.project(TABLES, own_sandbox.origin(TABLES), "4001"), "orders"),
        "between request and answer": portal.ask(
            portal.project(CHANGING, own_sandbox.origin(CHANGING), "10"), "archive"
        ),
        "in a poll": portal.ask(portal.project(ARCHIVES, own_sandbox.origin(ARCHIVES), "100001"), "archive"),
        "in mid-download": portal.ask(
            portal.project(VIDEOS, own_sandbox.origin(VIDEOS), "65fa6b07dca2e367461a2925"), "video"
        ),
    }
    worker = portal.start_worker()
    wait_for(lambda: all(own_sandbox.fired(fault) for fault in faults.values()), 90, lambda: str(own_sandbox.faults()))
    parts = portal.folder / "var" / "parts"
    wait_for(lambda: any(path.stat().st_size for path in parts.glob("*.part")), 60, "some bytes on disk")
    portal.kill(worker)
    killed = time.monotonic()
    assert all(portal.export(number)["finished_at"] is None for number in asked.values())

    portal.start_worker()
    for moment, number in asked.items():
        export = portal.wait_until_ended(number, 90)
        assert export["status"] == "succeeded", (moment, export)
    assert time.monotonic() - killed < 60
    assert {slug: jobs for slug, jobs in own_sandbox.ledger()["jobs"].items() if jobs} == {
        TABLES: {"4001": 1},
        CHANGING: {"10": 1},
        ARCHIVES: {"100001": 1},
        VIDEOS: {"65fa6b07dca2e367461a2925": 1},
    }
    assert not list(parts.glob("*"))


def test_a_kill_in_submit_where_nothing_can_be_found_lets_a_person_decide(
    embedded: Installation, own_sandbox: Sandbox
) -> None:
    embedded.start_web()
    fault = own_sandbox.fault(provider=ARCHIVES, project="100001", on="submit", fault="slow", seconds=30, times=1)
    project = embedded.project(ARCHIVES, own_sandbox.origin(ARCHIVES), "100001")
    number = embedded.ask(project, "archive")
    worker = embedded.start_worker()
    wait_for(lambda: own_sandbox.fired(fault) == 1, 60, "the request")
    time.sleep(0.3)
    embedded.kill(worker)
    begun = time.monotonic()
    embedded.start_worker()
    export = embedded.wait_until_ended(number, 90)

    assert time.monotonic() - begun < RECOVERY_SECONDS + STARTING
    assert (export["status"], export["error"]["code"], export["error"]["action"]) == ("failed", "unconfirmed", "you")
    assert own_sandbox.jobs(ARCHIVES, "100001") == 1
    [made] = own_sandbox.ledger()["submissions"]
    adopted = embedded.api("POST", f"/exports/{number}/adopt", {"remote_id": str(made["id"])}).json()
    assert embedded.wait_until_ended(adopted["id"])["status"] == "succeeded"
    assert own_sandbox.jobs(ARCHIVES, "100001") == 1
