"""The commands as scripts use them: exit codes, what is alone on standard output, sentences for bad input."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

import manage
from exports.sandbox.server import Sandbox
from tests.helpers.cast import KINDS, PROJECTS, Cast
from tests.helpers.installation import Installation
from tests.helpers.roles import TABLES

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


@pytest.mark.slow(seconds=70)
def test_export_wait_for_each_kind_and_every_exit_code(
    embedded: Installation, own_sandbox: Sandbox, tmp_path: Path
) -> None:
    embedded.start_web()
    embedded.start_worker()
    projects = {name: embedded.project(name, own_sandbox.origin(name), PROJECTS[name]) for name in PROJECTS}

    def one_kind(kind: tuple[str, str, str, dict[str, Any]]) -> None:
        provider, type_, format_, options = kind
        given = [
            f"--option={key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in options.items()
        ]
        target = tmp_path / f"{provider}-{type_}.{format_}"
        done = embedded.manage(
            "export", str(projects[provider]), "--type", type_, "--format", format_, *given,
            "--confirm", "--wait", "--output", str(target),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "succeeded" in done.stderr
        assert target.exists() == (format_ != "none")

    with ThreadPoolExecutor(3) as side_by_side:
        list(side_by_side.map(one_kind, KINDS))

    number = embedded.manage("export", str(projects[TABLES]), "--type", "orders")
    assert number.returncode == 0
    assert embedded.wait_until_ended(int(number.stdout.strip()))["status"] == "succeeded"

    own_sandbox.fault(provider=TABLES, project="4001", on="submit", fault="job_fails", times=1)
    failed = embedded.manage("export", str(projects[TABLES]), "--type", "orders", "--wait", "--json")
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["error"]["code"] == "provider_failed"

    own_sandbox.fault(provider=TABLES, project="4001", on="submit", fault="canceled_by_staff", times=1)
    assert embedded.manage("export", str(projects[TABLES]), "--type", "orders", "--wait").returncode == 3

    own_sandbox.fault(provider=TABLES, project="4001", on="submit", fault="endless", times=1)
    still = embedded.manage("export", str(projects[TABLES]), "--type", "orders", "--wait", "--timeout", "1")
    assert still.returncode == 4
    assert "still open" in still.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["99", "--type", "archive"], "There is no project 99."),
        (["one", "--type", "archive"], "invalid int value"),
        (["PROJECT"], "--type"),
        (["PROJECT", "--type", "video"], "no export of this type"),
        (["PROJECT", "--type", "orders", "--format", "pdf"], "csv, xlsx"),
        (["PROJECT", "--type", "orders", "--option", "nonsense"], "KEY=VALUE"),
        (["PROJECT", "--type", "orders", "--option", "nonsense=1"], "Unknown option"),
        (["PROJECT", "--type", "orders", "--option", "columns={"], "not JSON"),
        (["PROJECT", "--type", "orders", "--as", "stranger@example.org"], "no owner or member"),
        (["PROJECT", "--type", "orders", "--output", "x"], "--output needs --wait"),
    ],
)
def test_bad_usage_ends_with_2_and_a_sentence(
    tables: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    given = [str(tables) if one == "PROJECT" else one for one in arguments]
    monkeypatch.setattr(sys, "argv", ["manage.py", "export", *given])
    with pytest.raises(SystemExit) as ended:
        manage.main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert says in told
    assert "Traceback" not in told


@pytest.mark.slow(seconds=8)
def test_a_process_ends_so_too(ready: Installation) -> None:
    done = ready.manage("export", "99", "--type", "archive")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "CommandError: There is no project 99.\n"


@pytest.fixture
def tables(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> int:
    """The number of a project. A command closes the database at its end, which here goes on with the test."""
    monkeypatch.setattr(connections, "close_all", lambda: None)
    return cast.project(TABLES).pk


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> Installation:
    """One installation without processes."""
    one = Installation(tmp_path_factory.mktemp("commands"), "127.0.0.1:1")
    one.prepare(prepared)
    return one


@pytest.mark.slow(seconds=7)
def test_tokens_and_teams_say_what_is_wrong(ready: Installation) -> None:
    twice = ready.manage("create_team", "Real  Team", "--owner", "real@example.org")
    assert twice.returncode == 1
    assert "real-team" in twice.stderr
    assert ready.manage("create_token", "real@example.org", "--team", "no-team").returncode == 1
    weak = ready.manage("create_team", "New", "--owner", "n@example.org", "--password-stdin", text="123\n")
    assert weak.returncode == 1
    assert "too short" in weak.stderr
    token = ready.manage("create_token", "real@example.org", "--team", "real-team", "--scope", "read")
    assert token.stdout.startswith("ep_")
    assert len(token.stdout.split()) == 1


@pytest.mark.slow(seconds=12)
def test_try_out_says_what_to_start(ready: Installation) -> None:
    done = ready.manage("try_out")
    assert done.returncode == 1
    assert "make run" in done.stderr


def test_a_database_that_is_not_ready_is_one_sentence(tmp_path: Path) -> None:
    done = Installation(tmp_path, "127.0.0.1:1").manage("create_token", "real@example.org", "--team", "real-team")
    assert done.returncode == 1
    assert "migrate" in done.stderr
    assert "Traceback" not in done.stderr
