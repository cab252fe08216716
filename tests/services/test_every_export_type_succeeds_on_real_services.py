"""All five kinds, through real web and worker processes, on each set-up of database and broker."""

import hashlib

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.cast import KINDS, PROJECTS
from tests.helpers.installation import Installation

pytestmark = [pytest.mark.slow(seconds=25), pytest.mark.services, pytest.mark.timeout(300)]


def test_every_kind_ends_with_its_file(portal: Installation, own_sandbox: Sandbox) -> None:
    portal.start_web()
    portal.start_worker()
    portal.start_worker()
    asked = {}
    for provider, type_, format_, options in KINDS:
        project = portal.project(provider, own_sandbox.origin(provider), PROJECTS[provider])
        asked[provider, type_, format_] = portal.ask(project, type_, format=format_, options=options)
    for (provider, _, format_), number in asked.items():
        export = portal.wait_until_ended(number, 90)
        assert export["status"] == "succeeded", export
        history = portal.api("GET", f"/exports/{number}/history").json()["history"]
        moves = [(row["from"], row["to"]) for row in history if row["from"] != row["to"]]
        assert moves == [(None, "waiting"), ("waiting", "processing"), ("processing", "succeeded")]
        if format_ == "none":
            assert export["file"] is None
            continue
        content = portal.api("GET", f"/exports/{number}/file").content
        assert hashlib.sha256(content).hexdigest() == export["file"]["sha256"]
        assert provider in own_sandbox.ledger()["jobs"]
    made = own_sandbox.ledger()["jobs"]
    assert sum(sum(projects.values()) for projects in made.values()) == len(KINDS)
