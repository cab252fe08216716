"""The example of a provider in a package of its own: built and installed by pip, found at the start, its tests run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.processes import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "export-portal-inkwell"
pytestmark = [pytest.mark.slow(seconds=30), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has installed the package; nothing is downloaded, and the portal's environment stays as it is."""
    folder = tmp_path_factory.mktemp("installed")
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")
    done = run(tmp_path_factory.mktemp("pip"), "-m", "pip", "install", *options, "--target", str(folder), str(EXAMPLE))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def run(data: Path, *arguments: str, packages: Path | None = None) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    path = os.pathsep.join(str(folder) for folder in (ROOT, packages) if folder)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**kept, "PYTHONPATH": path, "DATA_DIR": str(data), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_its_own_tests_pass(installed: Path, tmp_path: Path, database_folder: Path, django_db_setup: None) -> None:
    """The contract test, and exports through its stand-in that end with a file."""
    # Its own cache, with the migrated database that this test run has made already.
    shutil.copytree(database_folder, tmp_path / "cache" / "d" / "database")
    options = ("-q", "-c", "pyproject.toml", "-o", f"cache_dir={tmp_path / 'cache'}")
    done = run(tmp_path, "-m", "pytest", *options, str(EXAMPLE / "tests"), packages=installed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout


def test_the_portal_starts_with_it_and_names_it(installed: Path, tmp_path: Path) -> None:
    checked = run(tmp_path, "manage.py", "check", packages=installed)
    assert checked.returncode == 0, checked.stderr
    code = "from exports.providers.registry import PROVIDERS; print(*PROVIDERS)"
    listed = run(tmp_path, "manage.py", "shell", "-v", "0", "-c", code, packages=installed)
    assert listed.stdout.split()[-1] == "inkwell"


def test_without_it_the_portal_does_not_know_it(tmp_path: Path) -> None:
    code = "from exports.providers.registry import PROVIDERS; print(*PROVIDERS)"
    assert "inkwell" not in run(tmp_path, "manage.py", "shell", "-v", "0", "-c", code).stdout
