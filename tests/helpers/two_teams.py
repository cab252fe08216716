"""A second team on a portal in real processes, and how long its exports take beside the first team's."""

import time

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation
from tests.helpers.roles import TABLES

OTHER_PROJECT = "4002"
# On a busy machine any of the five processes that an export passes through may wait for the processor.
NOISE_SECONDS = 1.5


class OtherTeam:
    """A team of its own, which exports orders while the first team does something slow."""

    def __init__(self, portal: Installation, sandbox: Sandbox) -> None:
        self.portal = portal
        self.first_token = portal.token
        made = portal.manage(
            "create_team", "Others", "--owner", "o@example.org", "--password-stdin", text="long enough\n"
        )
        assert made.returncode == 0, made.stderr
        token = portal.manage("create_token", "o@example.org", "--team", "others")
        assert token.returncode == 0, token.stderr
        self.token = token.stdout.strip()
        self._sandbox = sandbox
        self._project = 0

    def seconds(self, provider: str = TABLES, type_: str = "orders") -> float:
        """How long one export of this team takes, from the request to the verified file."""
        self.portal.token = self.token
        try:
            if not self._project:
                self._project = self.portal.project(provider, self._sandbox.origin(provider), OTHER_PROJECT)
            begun = time.monotonic()
            export = self.portal.wait_until_ended(self.portal.ask(self._project, type_))
            assert export["status"] == "succeeded", export
            return time.monotonic() - begun
        finally:
            self.portal.token = self.first_token

    def lone_seconds(self) -> float:
        """How long an export takes with nothing beside it: the shorter of two, since the first one warms up."""
        return min(self.seconds(), self.seconds())
