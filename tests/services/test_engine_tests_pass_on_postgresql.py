"""The tests marked `postgresql` pass on PostgreSQL too, where claims, settlements and fairness have their own SQL."""

import os
import secrets
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

import pytest
from psycopg import sql

from tests.helpers.processes import ROOT
from tests.helpers.servers import DATABASE, connect_as_admin

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=100), pytest.mark.timeout(400)]

MARKER = "postgresql"
# The slow ones wait for windows of real seconds, whatever the database.
MARKERS = f"{MARKER} and not slow"
# To the database a lost answer is like another.
NAMES = "not half_answer and not garbage"


def marked_files() -> list[str]:
    """The test files that name the marker: to collect all the others would take as long as these tests."""
    return [str(path) for path in sorted((ROOT / "tests").rglob("test_*.py")) if f"mark.{MARKER}" in path.read_text()]


def test_the_marked_tests_pass_on_postgresql() -> None:
    name = f"engine_{secrets.token_hex(6)}"  # of this run alone: others may test on the same server
    address = urlunsplit(urlsplit(DATABASE)._replace(path=f"/{name}"))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--create-db",
        "-m",
        MARKERS,
        "-k",
        NAMES,
    ]
    with connect_as_admin(DATABASE) as admin:
        try:
            done = subprocess.run(
                [*command, *marked_files()],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": address, "PYTEST_ADDOPTS": ""},
                capture_output=True,
                text=True,
                timeout=380,
                check=False,
            )
        finally:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(f"test_{name}")))
    assert done.returncode == 0, f"{done.stdout[-20000:]}\n{done.stderr[-2000:]}"
    assert "skipped" not in done.stdout.splitlines()[-1], done.stdout[-2000:]
