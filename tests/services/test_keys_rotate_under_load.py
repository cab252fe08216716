"""A thousand credentials are sealed anew while real workers use them, first with both keys, then with the new one."""

import base64
import os

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, wait_for
from tests.helpers.roles import ARCHIVES

pytestmark = [pytest.mark.slow(seconds=45), pytest.mark.services, pytest.mark.timeout(300)]

OLD, NEW = (base64.urlsafe_b64encode(os.urandom(32)).decode() for _ in range(2))
RUNNING = 40
# Run in the portal: a thousand credentials, the first of which have a project and an export of it.
MAKE = f"""
import sys
from exports.credentials import service
from exports.exporting.create import ExportRequest, Requester, create_export
from exports.models import Project, Team, User
origin, running = sys.argv[1], int(sys.argv[2])
team, user = Team.objects.get(slug="real-team"), User.objects.get(email="real@example.org")
for number in range(1000):
    secrets = {{"token": "sandbox-token"}}
    credential = service.create_credential(
        team, user, provider="{ARCHIVES}", name=f"credential {{number}}", secrets=secrets, origin=origin
    )
    if number < running:
        project = Project.objects.create(team=team, credential=credential, remote_id="100001")
        create_export(project, ExportRequest("archive", "", allow_duplicate=True), Requester(user))
"""


@pytest.mark.parametrize("setup_environment", ["postgresql-redis"], indirect=True)
def test_none_fails_and_the_old_key_can_go(portal: Installation, own_sandbox: Sandbox) -> None:
    # No job ends before the keys have changed.
    own_sandbox.fault(provider=ARCHIVES, project="*", on="poll", fault="unknown_word")
    portal.environment |= {"CREDENTIAL_KEYS": OLD}
    program = f"import sys; sys.argv = ['', {own_sandbox.origin(ARCHIVES)!r}, '{RUNNING}']\n{MAKE}"
    made = portal.manage("shell", "-v", "0", "-c", program)
    assert made.returncode == 0, made.stderr
    portal.environment |= {"CREDENTIAL_KEYS": f"{NEW},{OLD}"}
    portal.start_web()
    worker = portal.start_worker()
    first = portal.api("GET", "/exports?limit=100").json()["exports"]
    assert len(first) == RUNNING
    wait_for(lambda: own_sandbox.jobs(ARCHIVES, "100001") > RUNNING // 4, 60, "the first exports")

    rotated = portal.manage("rotate_credentials")
    assert (rotated.returncode, rotated.stderr) == (0, "")
    assert "Encrypted again: 1000 credentials" in rotated.stdout

    portal.kill(worker)
    portal.environment |= {"CREDENTIAL_KEYS": NEW}
    portal.start_worker()
    portal.restart_web()
    own_sandbox.clear_faults()
    ended = [portal.wait_until_ended(export["id"], 90) for export in first]
    assert {export["status"] for export in ended} == {"succeeded"}, [one["error"] for one in ended]
    assert own_sandbox.jobs(ARCHIVES, "100001") == RUNNING
