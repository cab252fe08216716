"""A package whose provider cannot be used stops the start with a sentence, and `doctor` names it; no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.installed_packages import PROVIDER, install
from tests.helpers.prepared_portal import copy_prepared
from tests.helpers.processes import ROOT, environment

pytestmark = pytest.mark.slow(seconds=8)
NEWER = PROVIDER.replace("contract_version = 1", "contract_version = 99")


@pytest.fixture
def data(tmp_path: Path, prepared: Path) -> Path:
    copy_prepared(prepared, tmp_path / "data")
    return tmp_path / "data"


def run(data: Path, packages: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env={**environment(DATA_DIR=str(data)), "PYTHONPATH": f"{ROOT}:{packages}"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", [("check",), ("migrate",), ("up", "--prepare"), ("doctor",)], ids=" ".join)
def test_a_package_for_a_newer_portal_is_named(data: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    install(tmp_path, "acme-export", NEWER)
    ended = run(data, tmp_path, *command)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 1, said
    assert "The package acme-export 1.2 cannot be used: it was written for version 99" in said
    assert "Upgrade the portal, or install an older release of the package." in said
    assert "Traceback" not in said


def test_other_commands_go_on_with_the_other_providers(data: Path, tmp_path: Path) -> None:
    install(tmp_path, "acme-export", "1 / 0")
    ended = run(data, tmp_path, "projects")
    assert ended.returncode == 0
    assert "acme-export 1.2 cannot be used" in ended.stderr


def test_a_sound_package_is_named_by_doctor(data: Path, tmp_path: Path) -> None:
    install(tmp_path, "acme-export")
    assert run(data, tmp_path, "check").returncode == 0
    assert "Acme (acme-export 1.2)" in run(data, tmp_path, "doctor").stdout


def test_doctor_names_a_provider_that_credentials_are_left_of(data: Path, tmp_path: Path) -> None:
    code = (
        "from exports.models import Credential, Team\n"
        "team = Team.objects.create(name='T', slug='t')\n"
        "Credential.objects.create(team=team, provider='acme', name='one')\n"
    )
    run(data, tmp_path, "shell", "-c", code)
    said = run(data, tmp_path, "doctor").stdout
    assert "Not installed, though there are credentials of it: acme. Install its package again." in said
