"""The engine's own tests once more on PostgreSQL, whose claims, settlements and turns are statements of their own."""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from psycopg import sql

from tests.services.conftest import DATABASE, _admin

pytestmark = [pytest.mark.services, pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parents[2]
# What concerns the statements that PostgreSQL has alone: claims, settling many, tickets, turns, locks, constraints.
FILES = (
    "test_bad_luck_at_the_worst_line.py",
    "test_claims_are_exclusive.py",
    "test_clocks_that_differ.py",
    "test_it_asks_once.py",
    "test_limits_are_kept_by_design.py",
    "test_many_are_written_together.py",
    "test_moves.py",
    "test_outages_are_met_by_one.py",
    "test_progress_is_told_and_heard.py",
    "test_teams_take_turns.py",
    "test_waiting_for_another_uses_up_no_limit.py",
    "test_polling_lives_with_bad_answers.py::test_the_time_between_looks_grows",
    "test_polling_lives_with_bad_answers.py::test_a_429_pauses_the_whole_credential",
    "test_polling_lives_with_bad_answers.py::test_equal_looks_add_no_row",
)
# These wait for windows of real seconds, whatever the database.
LEFT_OUT = (
    "test_limits_are_kept_by_design.py::test_many_exports_on_one_credential_never_draw_a_429",
    "test_limits_are_kept_by_design.py::test_what_waits_says_when_its_turn_is",
    "test_limits_are_kept_by_design.py::test_places_of_canceled_exports_are_given_to_others",
)


def test_the_engine_keeps_its_word_on_postgresql() -> None:
    name = f"engine_{secrets.token_hex(6)}"  # of this run alone: others may test on the same server
    address = urlunsplit(urlsplit(DATABASE)._replace(path=f"/{name}"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--create-db"]
    command += ["-k", "not half_answer and not garbage"]  # to the database a lost answer is like another
    with _admin(DATABASE) as admin:
        try:
            done = subprocess.run(
                [
                    *command,
                    *(f"tests/engine/{one}" for one in FILES),
                    *(f"--deselect=tests/engine/{one}" for one in LEFT_OUT),
                ],
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
