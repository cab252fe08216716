"""A copy of the portal's files, for tests that write into it what a reader of the documents would write."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.helpers.processes import ROOT

FOLDERS: Final = ("docs", "exports", "locale", "portal", "templates", "tests")
FILES: Final = (
    "manage.py",
    "pyproject.toml",
    "requirements.lock",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
)


def copy_portal(target: Path, database_folder: Path) -> Path:
    """Copies the portal, with its environment as `.venv` and the migrated database of the tests; returns `target`."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in FILES:
        shutil.copyfile(ROOT / file, target / file)
    # Not resolved: pip's environment is where the interpreter was started, and its link leads out of it.
    (target / ".venv").symlink_to(sys.prefix)
    shutil.copytree(database_folder, target / ".pytest_cache" / "d" / "database")
    return target


def run_in_copy(copy: Path, *arguments: str, seconds: float = 240) -> "subprocess.CompletedProcess[str]":
    """Runs a Python program in the copy, apart from this portal and its test run."""
    kept = {"PATH", "HOME", "LANG", "TMPDIR"}
    environment = {name: value for name, value in os.environ.items() if name in kept}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env={**environment, "DATA_DIR": str(copy / "var"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
