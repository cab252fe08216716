"""What `manage.py export --wait` writes: the file where it is wanted, and progress that says what goes on."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from exports.management import progress
from exports.management.output_target import OutputTarget
from exports.sandbox.server import Sandbox
from exports.supervisor.preflight import lock_data_dir
from portal import private_files
from portal.environment import listening_url
from tests.helpers import factories
from tests.helpers.cast import SECRETS, Cast
from tests.helpers.installation import Installation, installation
from tests.helpers.installation_fixtures import own_sandbox
from tests.helpers.processes import ROOT
from tests.helpers.roles import TABLES

__all__ = ["own_sandbox"]


def test_a_delivered_file_has_the_rights_that_the_caller_gives(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = factories.succeeded_export(cast)
    assert export.file is not None
    monkeypatch.setattr(private_files, "_callers_umask", 0o027)
    OutputTarget(str(tmp_path / "orders.csv")).deliver(export.file)
    assert (tmp_path / "orders.csv").read_bytes() == factories.ORDERS_CSV
    assert OutputTarget(str(tmp_path)).deliver(export.file) == tmp_path / "orders.csv"
    assert stat.S_IMODE((tmp_path / "orders.csv").stat().st_mode) == 0o640


def test_progress_says_phase_elapsed_and_usual_time_and_the_page(
    cast: Cast, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.LISTENING_URL = "http://127.0.0.1:8000"
    for _ in range(3):
        factories.succeeded_export(cast)
    export = factories.processing_export(cast)
    progress.ProgressPrinter().follow([export.pk], timeout=0)
    told = capsys.readouterr().err
    assert f"Export {export.pk}: http://127.0.0.1:8000/t/the-team/exports/{export.pk}/\n" in told
    assert f"40 %  processing: {TABLES.label} works on it, provider says running; < 1 s, usually up to 1 s\n" in told


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"step": "submit"}, f"asking {TABLES.label}"),
        ({"step": "submit", "request_sent_at": "2026-01-01T00:00:00Z"}, f"looking for the job at {TABLES.label}"),
        ({"step": "poll"}, f"{TABLES.label} works on it"),
        ({"step": "fetch"}, "fetching and checking the file"),
        ({"step": "fetch", "wait_note": "The disk is full."}, "fetching and checking the file (The disk is full)"),
    ],
)
def test_each_phase_has_its_words(cast: Cast, fields: dict[str, Any], says: str) -> None:
    export = factories.processing_export(cast)
    for name, value in fields.items():
        setattr(export, name, value)
    assert progress.phase(export) == says


@pytest.fixture
def portal(tmp_path: Path, own_sandbox: Sandbox, prepared: Path) -> Iterator[Installation]:
    """A portal with a worker and a project, and no web process."""
    with installation(tmp_path / "portal", f"127.0.0.1:{own_sandbox.port}", prepared) as started:
        started.start_worker()
        yield started


@pytest.mark.slow(seconds=20)
def test_the_bytes_of_the_file_and_nothing_else_go_to_standard_output(
    portal: Installation, own_sandbox: Sandbox, tmp_path: Path
) -> None:
    add = (
        "from exports.credentials import service; from exports.models import Team; team = Team.objects.get();"
        f"key = service.create_credential(team, None, provider='{TABLES}', name='k', secrets={SECRETS[TABLES]!r},"
        f" origin={own_sandbox.origin(TABLES)!r}); service.create_project(key, None, remote_id='4001')"
    )
    assert portal.manage("shell", "-c", add).returncode == 0
    command = [sys.executable, str(ROOT / "manage.py"), "export", "4001", "--provider", TABLES, "--type", "orders"]

    def export(*arguments: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*command, "--wait", *arguments],
            cwd=tmp_path,
            env=portal.environment,
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )

    done = export("--output", "-", "--json")
    assert done.returncode == 0, done.stderr
    *_, last = done.stderr.decode().strip().splitlines()
    summary = json.loads(last)
    assert done.stdout == Path(summary["file"]["path"]).read_bytes()
    assert len(done.stdout) == summary["file"]["size"]
    assert f"Export {summary['id']}: /t/real-team/exports/{summary['id']}/".encode() in done.stderr
    assert b"succeeded" in done.stderr

    xlsx = export("--output", "-", "--format", "xlsx")
    assert xlsx.stdout[:4] == b"PK\x03\x04"
    assert not (tmp_path / "-").exists()

    named = export("--output", "./-")
    assert (named.returncode, named.stdout) == (0, b"-\n")
    assert (tmp_path / "-").read_bytes() == done.stdout

    nobody, pipe = os.pipe()
    os.close(nobody)
    unread = export("--output", "-", stdout=pipe)
    os.close(pipe)
    assert unread.returncode == 1
    assert b"Standard output: broken pipe. The file lies at" in unread.stderr
    assert b"Traceback" not in unread.stderr
    assert b"Exception ignored" not in unread.stderr

    own_sandbox.fault(provider=TABLES, project="4001", on="submit", fault="job_fails", times=1)
    failed = export("--output", "-")
    assert (failed.returncode, failed.stdout) == (1, b"")
    assert b"Failed (provider_failed" in failed.stderr


def test_beside_a_running_up_commands_know_its_address(tmp_path: Path) -> None:
    assert listening_url(tmp_path) == ""
    lock = lock_data_dir(tmp_path, "http://127.0.0.1:8000")
    assert listening_url(tmp_path) == "http://127.0.0.1:8000"
    os.close(lock)
    (tmp_path / "up.lock").write_text("2000000000\nhttp://127.0.0.1:8000\n")
    assert listening_url(tmp_path) == ""
