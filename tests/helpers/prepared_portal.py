"""A data folder as `manage.py up` leaves it, with a team and a token: made once a run, copied by who needs one.

Migrating and collecting static files costs seconds of processor time. That they work from nothing is shown once, in
tests/management/test_up_starts_and_stops_the_portal.py; here they are only the ground that other tests stand on.
"""

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.helpers.migrated_database import copy_migrated
from tests.helpers.processes import ROOT, environment

OWNER: Final = "real@example.org"
TEAM: Final = "real-team"
TOKEN_FILE: Final = "token"
TEMPLATES: Final = "templates"
# One process instead of three: each would load all of Django anew.
SCRIPT: Final = f"""
import sys, django
django.setup()
from django.core.management import call_command
call_command(*sys.argv[1:])
call_command("create_team", "Real Team", owner="{OWNER}", password_stdin=True)
print("token", end=" ")
call_command("create_token", "{OWNER}", team="{TEAM}")
"""


def migrate_and_create_team(env: Mapping[str, str], *command: str) -> str:
    """Brings the database up to date with this command and makes a team with an owner; the owner's token."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *command],
        cwd=ROOT,
        env={"DJANGO_SETTINGS_MODULE": "portal.settings", **env, "PYTHONPATH": str(ROOT)},
        input="a long enough one\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rpartition("token ")[2].strip()


def shared_prepared_folder(base: Path, database_folder: Path) -> Path:
    """The folder below `base`, which all processes of a test run share; the first one makes it, others wait.

    A migrated database that is kept in `database_folder` is its beginning.
    """
    folder = base / "prepared"
    with (base / "prepared.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / TOKEN_FILE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            copy_migrated(database_folder, folder / "portal.sqlite3")
            token = migrate_and_create_team(environment(DATA_DIR=str(folder)), "up", "--prepare")
            (folder / TOKEN_FILE).write_text(token)
    return folder


def copy_prepared(prepared: Path, folder: Path) -> None:
    """A copy of one's own; the static files, which nobody changes, are shared."""
    shutil.copytree(prepared, folder, ignore=shutil.ignore_patterns("static", TOKEN_FILE, TEMPLATES, "*.lock"))
    (folder / "static").symlink_to(prepared / "static")


def fill_database(prepared: Path, address: str) -> str:
    """Makes the empty database at this address a copy of a prepared one on the same server; the owner's token.

    The first process of a test run that needs it prepares the template, others wait for it.
    """
    server, _, name = address.rpartition("/")
    template = f"portal_template_{hashlib.sha256(f'{prepared} {server}'.encode()).hexdigest()[:16]}"
    record = prepared / TEMPLATES / template
    with (prepared / "templates.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _admin(address) as admin:
            if not record.exists():
                record.parent.mkdir(exist_ok=True)
                admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(template)))
                admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(template)))
                with tempfile.TemporaryDirectory() as data:
                    env = environment(DATA_DIR=data, DATABASE_URL=f"{server}/{template}")
                    token = migrate_and_create_team(env, "migrate", "--verbosity", "0")
                record.write_text(f"{server}/{template} {token}")
            admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
            copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            admin.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
    return record.read_text().rpartition(" ")[2]


def drop_templates(base: Path) -> None:
    """Drops the templates of a test run that is over, on servers that are still there."""
    for record in (base / "prepared" / TEMPLATES).glob("*"):
        with contextlib.suppress(psycopg.Error), _admin(record.read_text().partition(" ")[0]) as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(record.name)))


def _admin(address: str) -> "psycopg.Connection[tuple[object, ...]]":
    parts = urlsplit(address.replace("postgres://", "postgresql://"))
    return psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True, connect_timeout=5)
