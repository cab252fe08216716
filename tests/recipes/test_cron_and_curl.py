"""The recipe for cron: its scripts run an export on a real portal, wait, download, and say what went wrong."""

import hashlib
from pathlib import Path

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.documented_blocks import RECIPES, blocks_of, need_programs, run_shell, write_files
from tests.helpers.installation import Installation
from tests.helpers.roles import TABLES

PAGE = RECIPES / "cron.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    need_programs("curl", "jq", "sha256sum")
    write_files(PAGE, tmp_path)
    return tmp_path


@pytest.mark.slow(seconds=30)
def test_every_block_of_the_page_works_in_order(
    portal: Installation, environment: dict[str, str], folder: Path
) -> None:
    printed = []
    for block in (block for block in blocks_of(PAGE) if "run" in block.attributes):
        done = run_shell(block.text, folder, environment)
        assert done.returncode == 0, (block.text, done.stderr, portal.logs())
        printed += done.stdout.split()
    backup, newest = printed
    assert (folder / backup).read_bytes() == (folder / newest).read_bytes()
    export = portal.api("GET", "/exports?limit=1").json()["exports"][0]
    assert Path(backup).name == f"{export['id']}-{export['file']['name']}"
    assert hashlib.sha256((folder / backup).read_bytes()).hexdigest() == export["file"]["sha256"]
    assert export["trigger"] == "api"
    assert (Path(environment["CONFIG"]) / "header").stat().st_mode & 0o077 == 0


@pytest.mark.slow(seconds=10)
def test_an_export_that_fails_ends_the_script_with_its_reason(
    portal: Installation, module_sandbox: Sandbox, environment: dict[str, str], folder: Path
) -> None:
    setup = next(block for block in blocks_of(PAGE) if "run" in block.attributes)
    run_shell(setup.text, folder, environment)
    refused = run_shell('sh export.sh "$PROJECT" orders pdf backups', folder, environment)
    assert refused.returncode == 1
    assert '"status": 422' in refused.stderr or '"status":422' in refused.stderr
    failing = portal.project(TABLES, module_sandbox.origin(TABLES), "4122")
    failed = run_shell(f"sh export.sh {failing} orders csv backups", folder, environment)
    assert failed.returncode == 1
    assert " failed. " in failed.stderr
    wrong = run_shell("sh export.sh 999999 orders csv backups", folder, environment)
    assert wrong.returncode == 1
    assert "404" in wrong.stderr
    assert not (folder / "backups").exists()
