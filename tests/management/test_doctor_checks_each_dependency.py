"""`manage.py doctor` prints a line for each dependency of the portal, and what to do about a failure."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.prepared_portal import copy_prepared
from tests.helpers.processes import ROOT, environment
from tests.helpers.roles import ARCHIVES


def doctor(data: Path, **variables: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Exit code, and for each name whether it is ok or FAIL, and the words behind it."""
    ended = run(data, "doctor", **variables)
    assert ended.stderr == ""
    lines = re.findall(r"^(ok|FAIL) +(\w+) +(.+)$", ended.stdout, re.MULTILINE)
    assert len(lines) == ended.stdout.count("\n")
    return ended.returncode, {name: (mark, words) for mark, name, words in lines}


def run(data: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=environment(DATA_DIR=str(data), **variables),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def data(tmp_path: Path, prepared: Path) -> Path:
    copy_prepared(prepared, tmp_path / "data")
    return tmp_path / "data"


def test_only_processes_that_do_not_run_are_reported(data: Path) -> None:
    code, said = doctor(data)
    assert code == 1
    assert {name for name, (mark, _) in said.items() if mark == "FAIL"} == {"worker", "beat"}
    assert list(said) == [
        *("database", "migrations", "broker", "worker", "beat", "storage", "disk", "keys", "clock", "egress"),
        *("providers", "mail"),
    ]
    assert "start a worker" in said["worker"][1]


@pytest.mark.slow(seconds=5)
def test_unreachable_servers_are_reported_with_their_variable(data: Path) -> None:
    code, said = doctor(data, CELERY_BROKER_URL="redis://127.0.0.1:1/0", EMAIL_URL="smtp://127.0.0.1:1")
    assert code == 1
    assert said["broker"][0] == said["mail"][0] == "FAIL"
    assert "CELERY_BROKER_URL" in said["broker"][1]
    assert "EMAIL_URL" in said["mail"][1]


@pytest.mark.slow(seconds=5)
def test_a_mail_server_that_never_answers_is_given_up_soon(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        _, said = doctor(data, EMAIL_URL=f"smtp://127.0.0.1:{silent.getsockname()[1]}")
    assert said["mail"][0] == "FAIL"


@pytest.mark.slow(seconds=5)
def test_a_database_without_tables_is_distinguished_from_an_unreachable_one(tmp_path: Path) -> None:
    _, said = doctor(tmp_path)
    assert said["database"][0] == "ok"
    assert said["migrations"][0] == "FAIL"
    assert "run python manage.py up --prepare" in said["migrations"][1]
    _, said = doctor(tmp_path, DATABASE_URL="postgres://me:secret@127.0.0.1:1/portal")
    assert "DATABASE_URL" in said["database"][1]
    assert "secret" not in str(said)
    assert said["worker"] == ("FAIL", "Unknown: first see to the database.")


@pytest.mark.slow(seconds=5)
def test_secrets_that_no_key_decrypts_are_reported(data: Path) -> None:
    seal_one = (
        "from exports.models import Credential, Team; team = Team.objects.create(name='T', slug='t'); "
        f"Credential.objects.create(team=team, provider='{ARCHIVES}', name='one').save_secrets({{'token': 't'}})"
    )
    assert run(data, "shell", "-c", seal_one).returncode == 0
    assert doctor(data)[1]["keys"][0] == "ok"
    _, said = doctor(data, CREDENTIAL_KEYS="another key altogether")
    assert said["keys"][0] == "FAIL"
    assert "CREDENTIAL_KEYS" in said["keys"][1]
