"""A portal in real processes for the recipes, with a project whose export ends in a moment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, installation
from tests.helpers.roles import TABLES
from tests.helpers.stub_server import free_port


@pytest.fixture(scope="module")
def module_sandbox() -> Iterator[Sandbox]:
    """Stand-in providers of this module's recipes."""
    with Sandbox(time_scale=0.05, limits="off") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def receiver_port() -> int:
    """Where a receiver of webhooks may listen for this module's portal."""
    return free_port()


@pytest.fixture(scope="module")
def portal(
    tmp_path_factory: pytest.TempPathFactory, module_sandbox: Sandbox, receiver_port: int, prepared: Path
) -> Iterator[Installation]:
    """A running portal of this module's recipes, without services."""
    reachable = f"127.0.0.1:{module_sandbox.port},127.0.0.1:{receiver_port}"
    with installation(tmp_path_factory.mktemp("portal"), reachable, prepared) as started:
        started.start_web()
        started.start_worker()
        yield started


@pytest.fixture(scope="module")
def environment(portal: Installation, module_sandbox: Sandbox) -> dict[str, str]:
    """What a reader sets before a recipe."""
    project = portal.project(TABLES, module_sandbox.origin(TABLES), "4001")
    return {
        "PORTAL": f"http://127.0.0.1:{portal.port}",
        "TOKEN": portal.token,
        "PROJECT": str(project),
        "CONFIG": str(portal.folder / "config"),
        "PAUSE": "0.2",
    }
