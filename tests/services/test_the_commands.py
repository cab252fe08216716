"""The commands as scripts use them: exit codes, what is alone on standard output, sentences for bad input."""

import json
from pathlib import Path

import pytest

from exports.sandbox.server import Sandbox
from tests.cast import KINDS, PROJECTS
from tests.services.installation import Installation

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


def test_export_wait_for_each_kind_and_every_exit_code(
    embedded: Installation, own_box: Sandbox, tmp_path: Path
) -> None:
    embedded.start_web()
    embedded.start_worker()
    projects = {name: embedded.project(name, own_box.origin(name), PROJECTS[name]) for name in PROJECTS}
    for provider, type_, format_, options in KINDS:
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

    number = embedded.manage("export", str(projects["ulule"]), "--type", "orders")
    assert number.returncode == 0
    assert embedded.ended(int(number.stdout.strip()))["status"] == "succeeded"

    own_box.fault(provider="ulule", project="4001", on="submit", fault="job_fails", times=1)
    failed = embedded.manage("export", str(projects["ulule"]), "--type", "orders", "--wait", "--json")
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["error"]["code"] == "provider_failed"

    own_box.fault(provider="ulule", project="4001", on="submit", fault="canceled_by_staff", times=1)
    assert embedded.manage("export", str(projects["ulule"]), "--type", "orders", "--wait").returncode == 3

    own_box.fault(provider="ulule", project="4001", on="submit", fault="endless", times=1)
    still = embedded.manage("export", str(projects["ulule"]), "--type", "orders", "--wait", "--timeout", "1")
    assert still.returncode == 4
    assert "still open" in still.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["99", "--type", "archive"], "There is no project 99."),
        (["one", "--type", "archive"], "invalid int value"),
        (["1"], "--type"),
        (["1", "--type", "video"], "no export of this type"),
        (["1", "--type", "orders", "--format", "pdf"], "csv, xlsx"),
        (["1", "--type", "orders", "--option", "nonsense"], "KEY=VALUE"),
        (["1", "--type", "orders", "--option", "nonsense=1"], "Unknown option"),
        (["1", "--type", "orders", "--option", "columns={"], "not JSON"),
        (["1", "--type", "orders", "--as", "stranger@example.org"], "no owner or member"),
        (["1", "--type", "orders", "--output", "x"], "--output needs --wait"),
    ],
)
def test_bad_usage_ends_with_2_and_a_sentence(prepared_project: Installation, arguments: list[str], says: str) -> None:
    done = prepared_project.manage("export", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def prepared_project(tmp_path_factory: pytest.TempPathFactory) -> "Installation":
    """One installation without processes, with project 1."""
    one = Installation(tmp_path_factory.mktemp("commands"), "127.0.0.1:1")
    one.prepare()
    made = one.manage("shell", "--no-imports", "-c", MAKE_PROJECT)
    assert made.returncode == 0, made.stderr
    return one


MAKE_PROJECT = """
from exports.engine import keep
from exports.models import Team
team = Team.objects.get()
credential = keep.create_credential(team, None, provider="ulule", name="u", secrets={"api_key": "sandbox-key"})
keep.create_project(credential, None, remote_id="4001")
"""


def test_tokens_and_teams_say_what_is_wrong(prepared_project: Installation) -> None:
    twice = prepared_project.manage("create_team", "Real  Team", "--owner", "real@example.org")
    assert twice.returncode == 1
    assert "real-team" in twice.stderr
    assert prepared_project.manage("create_token", "real@example.org", "--team", "no-team").returncode == 1
    weak = prepared_project.manage("create_team", "New", "--owner", "n@example.org", "--password-stdin", text="123\n")
    assert weak.returncode == 1
    assert "too short" in weak.stderr
    token = prepared_project.manage("create_token", "real@example.org", "--team", "real-team", "--scope", "read")
    assert token.stdout.startswith("ep_")
    assert len(token.stdout.split()) == 1


def test_the_doctor_says_that_no_worker_is_alive(prepared_project: Installation) -> None:
    done = prepared_project.manage("doctor")
    assert done.returncode == 1
    assert "worker" in done.stdout + done.stderr


def test_try_out_says_what_to_start(prepared_project: Installation) -> None:
    done = prepared_project.manage("try_out")
    assert done.returncode == 1
    assert "make run" in done.stderr


def test_a_database_that_is_not_ready_is_one_sentence(tmp_path: Path) -> None:
    done = Installation(tmp_path, "127.0.0.1:1").manage("create_token", "real@example.org", "--team", "real-team")
    assert done.returncode == 1
    assert "migrate" in done.stderr
    assert "Traceback" not in done.stderr
