"""What the portal writes is for its own user alone, whatever the umask and the modes of folders that were there."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from exports.metrics.data_modes import check_modes
from tests.helpers.prepared_portal import copy_prepared
from tests.helpers.processes import ROOT, environment
from tests.helpers.roles import ARCHIVES

WRITE_EVERYTHING = f"""
from django.core import mail
from exports.models import Credential, Team
from exports.storage.files import PartialFile
mail.EmailMessage("Reset", "a link", to=["a@example.org"]).send()
team = Team.objects.create(name="Team", slug="team")
Credential.objects.create(team=team, provider="{ARCHIVES}", name="one").save_secrets({{"token": "t"}})
PartialFile(1, 1).path.write_bytes(b"x")
from portal.celery import app
app.send_task("exports.dispatch")
"""


def run(data: Path, *arguments: str, umask: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=environment(DATA_DIR=str(data), **variables),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        umask=umask,
    )


def open_paths(folder: Path) -> dict[str, str]:
    """Everything below the folder on which anybody but its owner has a right, with its mode."""
    paths = [Path(parent, name) for parent, folders, names in os.walk(folder) for name in (*folders, *names)]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in paths if not path.is_symlink()}
    return {str(path.relative_to(folder)): f"{mode:o}" for path, mode in modes.items() if mode & 0o077}


@pytest.fixture
def open_data(tmp_path: Path, prepared: Path) -> Path:
    """A data directory with everything in it, that was open to everybody before the portal came."""
    data = tmp_path / "data"
    copy_prepared(prepared, data)
    for name in ("mail", "files", "parts", "broker"):
        (data / name).mkdir(exist_ok=True)
    for path in (path for path in data.rglob("*") if not path.is_symlink()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    data.chmod(0o755)
    return data


@pytest.mark.slow(seconds=10)
def test_a_new_data_directory_and_all_in_it_are_private_under_any_umask(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert run(data, "up", "--prepare").returncode == 0
    assert run(data, "shell", "-c", WRITE_EVERYTHING).returncode == 0
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert open_paths(data) == {}
    assert {path.name for path in data.iterdir()} >= {"mail", "broker", "portal.sqlite3", "credential_keys", "static"}


@pytest.mark.slow(seconds=10)
def test_in_folders_that_were_open_everything_written_is_private_and_so_is_what_was_there(open_data: Path) -> None:
    written = run(open_data, "shell", "-c", WRITE_EVERYTHING)
    assert written.returncode == 0, written.stderr
    assert stat.S_IMODE(open_data.stat().st_mode) == 0o755
    reachable = {path for path in open_paths(open_data) if "/" not in path}
    assert reachable == set()
    [message] = (open_data / "mail").iterdir()
    assert stat.S_IMODE(message.stat().st_mode) == 0o600


def test_a_database_elsewhere_is_private_too(open_data: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.sqlite3"
    (open_data / "portal.sqlite3").rename(elsewhere)
    assert run(open_data, "shell", "-c", WRITE_EVERYTHING, DATABASE_URL=f"sqlite:///{elsewhere}").returncode == 0
    assert [path.name for path in tmp_path.glob("elsewhere*") if path.stat().st_mode & 0o077] == []


@pytest.mark.slow(seconds=7)
def test_doctor_says_when_the_folder_is_open_to_others(open_data: Path) -> None:
    said = run(open_data, "doctor").stdout
    assert f"open to other users (mode 755), who see names but no contents: chmod 700 {open_data}" in said
    open_data.chmod(0o700)
    assert "open to other users" not in run(open_data, "doctor").stdout


def test_doctor_follows_a_link_and_fails_where_others_can_replace_what_is_there(open_data: Path) -> None:
    link = open_data.with_name("link")
    link.symlink_to(open_data)
    for path in open_data.iterdir():
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o077)
    assert "open to other users (mode 755)" in check_modes(link)
    open_data.chmod(0o775)
    assert "the folder's group may replace what is in it (mode 775)" in check_modes(link)
    for mode in (0o777, 0o702):
        open_data.chmod(mode)
        with pytest.raises(ValueError, match=f"has mode {mode:o}"):
            check_modes(link)


def test_doctor_fails_when_others_can_open_what_the_portal_could_not_make_private(open_data: Path) -> None:
    # As it is where a file belongs to another user: nobody takes the rights away.
    with pytest.raises(ValueError, match=r"Other users of this machine can open .*/secret_key \(mode 644\)"):
        check_modes(open_data)
    for path in open_data.iterdir():
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o077)
    assert "open to other users (mode 755)" in check_modes(open_data)
