"""Steps before the portal starts: check the installed packages, migrate, check the keys, collect static files."""

import fcntl
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from psycopg import errors

from exports.management.start_check import is_a_copy
from exports.metrics.migration_state import error_summary, migration_state
from exports.models import DatabaseIdentity
from exports.providers.registry import PACKAGES
from exports.supervisor.preflight import StartRefused

# The key of the advisory lock that one prepare holds while others wait.
LOCK_KEY: Final = 7_243_118_001
# A migration waits so long for a table, then gives way and begins again after a pause: pages that wait behind it are
# ended after 4 s. Longer than `deadlock_timeout` (1 s as it comes), when PostgreSQL ends an autovacuum in the way.
LOCK_WAIT_SECONDS: Final = 2
LOCK_PAUSE_SECONDS: Final = 0.5
LOCK_PATIENCE_SECONDS: Final = 600.0


def prepare() -> None:
    """Brings database and static files up to date. Raises StartRefused when the portal must not start.

    Of several at once, on this machine or on others with the same database, one works and the others wait for it.
    """
    _check_packages()
    with _alone_on_data_dir(), _alone_on_database():
        migrate_database()
        _check_identity()
        _check_keys()
        _collect_static()


def _check_packages() -> None:
    if problems := [package.problem for package in PACKAGES if package.problem]:
        raise StartRefused("\n".join(problems))


@contextmanager
def _alone_on_data_dir() -> Iterator[None]:
    path = Path(settings.DATA_DIR) / "prepare.lock"
    try:
        file = path.open("w")
    except OSError as problem:
        raise StartRefused(f"DATA_DIR cannot be written ({problem.strerror}).") from problem
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _alone_on_database() -> Iterator[None]:
    """Holds a transaction's lock, on a connection of its own: one of a session is lost behind a pooler."""
    if connection.vendor != "postgresql":
        yield
        return
    own = connection.copy("prepare")
    try:
        try:
            own.set_autocommit(False)
            with own.cursor() as cursor:
                for limit in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
                    cursor.execute(f"SET LOCAL {limit} = 0")
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
        except DatabaseError as problem:
            raise StartRefused(
                f"The database cannot be used ({error_summary(problem)}): check that it runs, and DATABASE_URL."
            ) from problem
        yield
    finally:
        own.close()


def migrate_database() -> None:
    """Applies what is missing. Raises StartRefused where the database is away, newer, or cannot be migrated."""
    try:
        state = migration_state()
    except DatabaseError as problem:
        raise StartRefused(
            f"The database cannot be used ({error_summary(problem)}): check that it runs, and DATABASE_URL."
        ) from problem
    if state.newer:
        raise StartRefused(
            f"The database was made by a newer version of the portal (it has {state.newer[-1]}): run that version, "
            "or restore a copy from before it."
        )
    if not state.waiting:
        return
    try:
        _apply_migrations()
    except Exception as problem:  # a migration can run any code
        raise StartRefused(
            f"The database could not be brought up to date ({error_summary(problem)}): "
            "see python manage.py migrate for the whole story."
        ) from problem
    print(f"database: {state.waiting} migrations applied")


def _apply_migrations() -> None:
    """Applies what is missing, each migration once no other transaction keeps its table from it."""
    ends = time.monotonic() + LOCK_PATIENCE_SECONDS
    with _short_waits_for_locks():
        while True:
            try:
                call_command("migrate", interactive=False, verbosity=0)
                break
            except DatabaseError as problem:
                is_in_use = isinstance(problem.__cause__, errors.LockNotAvailable | errors.DeadlockDetected)
                if not is_in_use or time.monotonic() > ends:
                    raise
                time.sleep(LOCK_PAUSE_SECONDS)


@contextmanager
def _short_waits_for_locks() -> Iterator[None]:
    """Connections of the block wait LOCK_WAIT_SECONDS for a lock; behind a pooler as long as it takes.

    The limit goes with the connection, not by SET: a pooler would hand that on to whoever gets the session next.
    """
    before = connection.settings_dict.get("LIMITS", {})
    connection.close()
    connection.settings_dict["LIMITS"] = {"lock_timeout": LOCK_WAIT_SECONDS}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["LIMITS"] = before


def _check_identity() -> None:
    if DatabaseIdentity.is_a_copy():
        raise StartRefused(is_a_copy())


def _check_keys() -> None:
    from exports.models import encrypted

    problems = encrypted.check_key_ring()
    if problems:
        raise StartRefused(f"{problems[0]} ({len(problems)} sealed things in all.)")


def _collect_static() -> None:
    """Collects the static files if they have changed since the last time."""
    fingerprint_file = Path(settings.STATIC_ROOT) / ".collected"
    fingerprint = _static_fingerprint()
    try:
        if fingerprint_file.is_file() and fingerprint_file.read_text(encoding="ascii") == fingerprint:
            return
        call_command("collectstatic", interactive=False, verbosity=0)
        fingerprint_file.write_text(fingerprint, encoding="ascii")
    except (OSError, ValueError, CommandError) as problem:
        raise StartRefused(f"The static files could not be collected ({error_summary(problem)}).") from problem


def _static_fingerprint() -> str:
    """Returns a hash of name, size and modification time of every static file."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            state = Path(storage.path(name)).stat()
            digest.update(f"{name} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()
