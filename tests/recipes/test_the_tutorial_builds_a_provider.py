"""The tutorial of docs/adding-a-provider.md, followed in a copy of the portal: its exports end with a file."""

import os
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.helpers.documented_blocks import blocks_of, run_shell
from tests.helpers.portal_copy import copy_portal, run_in_copy
from tests.helpers.processes import ROOT

PAGE = ROOT / "docs" / "adding-a-provider.md"
pytestmark = [pytest.mark.slow(seconds=60), pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory, database_folder: Path, django_db_setup: None) -> Path:
    """A copy of the portal in which the tutorial was followed."""
    copy = copy_portal(tmp_path_factory.mktemp("tutorial") / "portal", database_folder)
    files: defaultdict[str, str] = defaultdict(str)
    commands = [block.text for block in blocks_of(PAGE) if "run" in block.attributes]
    run(copy, commands[0])
    for block in blocks_of(PAGE):
        if name := block.attributes.get("file"):
            files[name] += block.text
    for name, text in files.items():
        assert (copy / name).is_file(), f"startprovider wrote no {name}"
        (copy / name).write_text(text, encoding="utf-8")
    run(copy, commands[1])
    return copy


def run(copy: Path, commands: str) -> None:
    done = run_shell(commands, copy, {"DATA_DIR": str(copy / "var"), "LANG": os.environ.get("LANG", "C.UTF-8")})
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_tests_pass_and_its_exports_end_with_a_file(copy: Path) -> None:
    """The page's own commands ran them; here it is looked at whether they are those of the page."""
    listed = run_in_copy(copy, "-m", "pytest", "--collect-only", "-q", "tests/providers/slate")
    assert "test_each_kind_ends_as_succeeded[backup]" in listed.stdout
    assert "test_the_oldest_new_backup_is_ours" in listed.stdout


def test_it_meets_the_contract(copy: Path) -> None:
    tests = "tests/providers/test_every_provider_meets_the_contract.py"
    done = run_in_copy(copy, "-m", "pytest", "-q", "-k", "slate", tests)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_its_files_are_as_short_and_tidy_as_it_says(copy: Path) -> None:
    provider = copy / "exports" / "providers" / "slate.py"
    assert len(provider.read_text(encoding="utf-8").splitlines()) <= 120
    paths = ("exports/providers/slate.py", "exports/sandbox/services/slate.py", "tests/providers/slate")
    for arguments in (("check",), ("format", "--check")):
        done = run_in_copy(copy, "-m", "ruff", *arguments, *paths)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_interpreter_of_the_page_is_that_of_the_tests(copy: Path) -> None:
    assert (copy / ".venv" / "bin" / "python").exists(), sys.prefix
