"""Web, worker and beat that are started apart from `up` refuse a database that is not prepared, with a sentence."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from exports.management.start_check import is_a_copy, not_prepared
from tests.helpers.processes import ROOT, environment
from tests.helpers.servers import DATABASE, database_at
from tests.helpers.stub_server import free_port

PARTS = {
    "web": ("gunicorn", "portal.wsgi", "--no-control-socket", "--config", "python:exports.supervisor.gunicorn_config"),
    "worker": ("celery", "-A", "portal", "worker", "-c", "1", "-P", "threads"),
    "beat": ("celery", "-A", "portal", "beat", "--pidfile="),
}


def start(part: str, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Starts a part as the documents say, until it ends by itself."""
    bind = ("--bind", f"127.0.0.1:{free_port()}") if part == "web" else ()
    command = [sys.executable, "-m", *PARTS[part], *bind]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=110, check=False)


def prepare(env: dict[str, str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "manage.py", "up", "--prepare"]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.slow(seconds=5)
@pytest.mark.parametrize("part", PARTS)
def test_a_database_that_is_not_migrated_is_refused(part: str, tmp_path: Path) -> None:
    done = start(part, environment(DATA_DIR=str(tmp_path)))
    assert done.returncode != 0
    assert not_prepared() in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.services
@pytest.mark.slow(seconds=40)
@pytest.mark.timeout(400)
def test_prepares_at_once_wait_for_one_another_and_a_copy_is_refused(tmp_path: Path) -> None:
    with database_at(DATABASE) as address:
        environments = [environment(DATA_DIR=str(tmp_path / name), DATABASE_URL=address) for name in ("one", "two")]
        running = [prepare(env) for env in (environments[0], environments[1], environments[1])]
        printed = [process.communicate(timeout=350)[0] for process in running]
        assert [process.returncode for process in running] == [0, 0, 0], printed
        assert sum("migrations applied" in text for text in printed) == 1
        for name in ("one", "two"):
            assert (tmp_path / name / "static" / "staticfiles.json").exists()

        with psycopg.connect(address) as database:
            database.execute("UPDATE exports_databaseidentity SET identity = '1.2.3.4'")
        refused = start("beat", environments[0])
        assert (refused.returncode, is_a_copy() in refused.stderr) == (1, True)
        command = [sys.executable, "manage.py", "doctor"]
        doctor = subprocess.run(command, cwd=ROOT, env=environments[0], capture_output=True, text=True, check=False)
        assert "run python manage.py after_restore" in doctor.stdout
        moved = [sys.executable, "manage.py", "after_restore", "--moved"]
        subprocess.run(moved, cwd=ROOT, env=environments[0], check=True, timeout=100)
        again = prepare(environments[0])
        assert (again.communicate(timeout=100)[0], again.returncode) == ("", 0)
