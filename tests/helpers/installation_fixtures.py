"""Fixtures of whole portals in real processes, which a conftest imports; it defines `setup_environment` itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, installation


@pytest.fixture
def own_sandbox() -> Iterator[Sandbox]:
    """Stand-in providers of this test alone."""
    with Sandbox(time_scale=0.1, limits="off") as sandbox:
        yield sandbox


@pytest.fixture
def portal(
    tmp_path: Path, own_sandbox: Sandbox, setup_environment: dict[str, str], prepared: Path
) -> Iterator[Installation]:
    """A portal on each of the set-ups that `setup_environment` yields."""
    with installation(tmp_path, f"127.0.0.1:{own_sandbox.port}", prepared, **setup_environment) as started:
        yield started
