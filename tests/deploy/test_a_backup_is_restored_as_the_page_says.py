"""The drill of docs/deploy/backup.md: its blocks run as they stand there, while exports run, onto an empty machine."""

import getpass
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.documented_blocks import blocks_of, need_programs, run_shell
from tests.helpers.installation import Installation, installation
from tests.helpers.processes import ROOT
from tests.helpers.roles import ARCHIVES, TABLES
from tests.helpers.servers import DATABASE, database_at, servers_environment

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=90), pytest.mark.timeout(600)]

PAGE = ROOT / "docs" / "deploy" / "backup.md"


@pytest.fixture
def sandbox_of_drill() -> Iterator[Sandbox]:
    with Sandbox(time_scale=0.2, limits="off") as sandbox:
        yield sandbox


@pytest.fixture
def old(tmp_path: Path, sandbox_of_drill: Sandbox, prepared: Path) -> Iterator[Installation]:
    """The portal that is lost."""
    need_programs("pg_dump", "pg_restore")
    (tmp_path / "old").mkdir()
    with (
        servers_environment("redis", DATABASE) as environment,
        installation(tmp_path / "old", f"127.0.0.1:{sandbox_of_drill.port}", prepared, **environment) as started,
    ):
        yield started


@pytest.fixture
def new(tmp_path: Path, old: Installation) -> Iterator[Installation]:
    """The empty machine: another database, another folder, another broker's queues; the keys are copied in the test."""
    (tmp_path / "new" / "var").mkdir(parents=True)
    with database_at(DATABASE) as address:
        environment = {**old.environment, "DATABASE_URL": address, "DATA_DIR": str(tmp_path / "new" / "var")}
        started = Installation(tmp_path / "new", old.environment["PRIVATE_HOSTS"])
        started.environment |= {name: value for name, value in environment.items() if name != "PATH"}
        started.token = old.token
        try:
            yield started
        finally:
            started.stop()


def run_blocks(kind: str, folder: Path, variables: Mapping[str, str]) -> str:
    """Runs the blocks of the page with this word, each after the variables; what they print."""
    blocks = [block for block in blocks_of(PAGE) if block.attributes.get("run") == kind]
    assert blocks
    text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    printed = ""
    for block in blocks:
        done = run_shell(text + block.text, folder, {})
        assert done.returncode == 0, "\n".join((block.text, done.stdout, done.stderr))
        printed += done.stdout
    return printed


def settings_file(portal: Installation) -> str:
    """A file in the place of /etc/export-portal/portal.env."""
    names = ("DATABASE_URL", "DATA_DIR")
    file = portal.folder / "portal.env"
    file.write_text("".join(f"{name}={shlex.quote(portal.environment[name])}\n" for name in names))
    return str(file)


def keys_folder(portal: Installation) -> str:
    """A folder in the place of /etc/export-portal/secrets, with the keys of the portal."""
    folder = portal.folder / "secrets"
    folder.mkdir()
    for name in ("secret_key", "credential_keys"):
        shutil.copy(Path(portal.environment["DATA_DIR"]) / name, folder)
    return str(folder)


def manage_script(portal: Installation) -> str:
    """A program in the place of /usr/local/bin/export-portal: manage.py with the settings of a portal."""
    script = portal.folder / "manage"
    names = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in portal.environment.items())
    script.write_text(f'#!/bin/sh\n{names}cd {ROOT}\nexec {sys.executable} manage.py "$@"\n')
    script.chmod(0o700)
    return str(script)


def assert_a_second_restore_changes_nothing(tmp_path: Path, variables: Mapping[str, str]) -> None:
    """A database that is not empty is refused before the keys, which may be newer, are replaced."""
    (tmp_path / "older").mkdir()
    for name in ("secret_key", "credential_keys"):
        (tmp_path / "older" / name).write_text("an older key")
    keys = Path(variables["KEYS"]) / "credential_keys"
    before = keys.read_bytes()
    with pytest.raises(AssertionError, match="already exists"):
        run_blocks("restore", tmp_path, {**variables, "KEYS_BACKUP": str(tmp_path / "older")})
    assert keys.read_bytes() == before


def test_nothing_is_lost_and_nothing_is_asked_twice(
    tmp_path: Path, sandbox_of_drill: Sandbox, old: Installation, new: Installation
) -> None:
    sandbox = sandbox_of_drill
    before = {
        "CODE": str(ROOT),
        "MANAGE": manage_script(old),
        "SETTINGS": settings_file(old),
        "KEYS": old.environment["DATA_DIR"],
        "PORTAL_USER": getpass.getuser(),
        "BACKUP": str(tmp_path / "backup"),
        "KEYS_BACKUP": str(tmp_path / "keys"),
    }
    after = before | {
        "MANAGE": manage_script(new),
        "SETTINGS": settings_file(new),
        "KEYS": new.environment["DATA_DIR"],
    }
    declared = next(block for block in blocks_of(PAGE) if block.attributes.get("run") == "variables")
    assert {line.split()[1].partition("=")[0] for line in declared.text.splitlines()} == set(before)

    old.start_web()
    worker = old.start_worker()
    orders = old.project(TABLES, sandbox.origin(TABLES), "4001")
    scenes = old.project(ARCHIVES, sandbox.origin(ARCHIVES), "100001")
    ended = old.wait_until_ended(old.ask(orders, "orders"))
    assert ended["status"] == "succeeded"
    sandbox.fault(provider=ARCHIVES, project="100001", on="poll", fault="unknown_word", times=1000)
    watched = old.ask(scenes, "archive")
    while old.export(watched)["status"] != "processing":
        pass
    old.kill(worker)
    found, undecided = (
        old.ask(orders, "orders", format="xlsx"),
        old.ask(scenes, "app", options={"name": "a", "scenes": [1]}),
    )

    printed = run_blocks("backup", tmp_path, before)
    assert Path(printed.strip()).parent == tmp_path / "backup"
    assert Path(printed.strip()).stat().st_mode & 0o777 == 0o600
    run_blocks("keys", tmp_path, before | {"KEYS": keys_folder(old)})

    # What is lost: both are asked, one ends, and its file and its number are known outside of the portal.
    worker = old.start_worker()
    lost = old.wait_until_ended(found)
    assert lost["status"] == "succeeded"
    while not old.export(undecided)["remote_id"]:
        pass
    old.stop()
    sandbox.clear_faults()
    asked = dict(sandbox.ledger()["jobs"])

    run_blocks("restore", tmp_path, after)
    assert_a_second_restore_changes_nothing(tmp_path, after)
    refused = new.manage("up", "--prepare")
    assert (refused.returncode, "after_restore" in refused.stderr + refused.stdout) == (1, True)
    printed = run_blocks("after", tmp_path, after)
    assert "2 exports waited for their request" in printed
    assert "0 damaged or gone, 0 could not be read" in printed

    new.start_web()
    new.start_worker()
    ends = {number: new.wait_until_ended(number, 240) for number in (ended["id"], watched, found, undecided)}
    assert [ends[number]["status"] for number in (ended["id"], watched, found)] == ["succeeded"] * 3, ends
    assert ends[found]["remote_id"] == lost["remote_id"]
    assert ends[undecided]["error"]["code"] == "unconfirmed"
    assert dict(sandbox.ledger()["jobs"]) == asked
    for number in (ended["id"], found):
        assert new.api("GET", f"/exports/{number}/file").status_code == 200
    # The credential opens, and a new export has a number that nobody has seen.
    again = new.ask(orders, "orders")
    assert again > max(ends) + 100_000
    assert new.wait_until_ended(again)["status"] == "succeeded"
