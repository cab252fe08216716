"""With READ_ONLY people look and download, nothing changes, nothing new starts; afterwards everything goes on."""

import time
from pathlib import Path

import pytest
import requests

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, wait_for
from tests.helpers.roles import TABLES
from tests.services.test_a_database_that_is_away_is_a_503 import sign_in

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=30), pytest.mark.timeout(240)]


def test_what_was_open_waits_and_goes_on(embedded: Installation, own_sandbox: Sandbox, tmp_path: Path) -> None:
    portal = embedded
    portal.start_web()
    worker = portal.start_worker()
    project = portal.project(TABLES, own_sandbox.origin(TABLES), "4001")
    own_sandbox.settings(time_scale=1.0)
    number = portal.ask(project, "orders")
    wait_for(lambda: portal.export(number)["status"] == "processing", 60, portal.logs)
    for process in (worker, portal.web, portal.beat):
        assert process is not None
        process.send_signal(15)
        process.wait(60)
    jobs, asked = own_sandbox.jobs(TABLES, "4001"), portal.environment
    portal.environment = {**asked, "READ_ONLY": "1"}
    portal.start_web()
    worker = portal.start_worker()
    browser = requests.Session()
    page = sign_in(portal, browser)
    assert "Maintenance." in page.text
    polls = portal.export(number)["next_step_at"]
    refused = portal.api("POST", f"/projects/{project}/exports", {"type": "orders", "allow_twin": True})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
    command = portal.manage("export", str(project), "--type", "orders")
    assert command.returncode == 75
    assert "is being maintained" in command.stderr
    doctor = portal.manage("doctor").stdout
    assert "read-only (READ_ONLY is set)" in doctor
    time.sleep(6)
    assert portal.export(number)["next_step_at"] == polls
    for process in (worker, portal.web, portal.beat):
        assert process is not None
        portal.kill(process)
    portal.environment = asked
    portal.start_web()
    portal.start_worker()
    assert portal.wait_until_ended(number)["status"] == "succeeded"
    assert own_sandbox.jobs(TABLES, "4001") == jobs
