"""Steps before the portal starts: migrate, check that the keys decrypt what is stored, collect static files."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from exports.supervisor.preflight import StartRefused


def prepare() -> None:
    """Brings database and static files up to date. Raises StartRefused when the portal must not start."""
    _migrate()
    _check_keys()
    _collect_static()


def newer_migrations(loader: MigrationLoader) -> list[str]:
    """Returns the portal's applied migrations that this version does not have; a newer version applied them."""
    known = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        known.update(migration.replaces)
    return sorted(
        f"{app}.{name}" for app, name in loader.applied_migrations if app == "exports" and (app, name) not in known
    )


def error_summary(problem: Exception) -> str:
    """Returns the first line of an error's text without its full stop; the type's name if there is no text."""
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0].rstrip(".")


def _migrate() -> None:
    try:
        connection.ensure_connection()
        executor = MigrationExecutor(connection)
        newer = newer_migrations(executor.loader)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as problem:
        raise StartRefused(
            f"The database cannot be used ({error_summary(problem)}): check that it runs, and DATABASE_URL."
        ) from problem
    if newer:
        raise StartRefused(
            f"The database was made by a newer version of the portal (it has {newer[-1]}): run that version, "
            "or restore a copy from before it."
        )
    if not waiting:
        return
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except Exception as problem:  # a migration can run any code
        raise StartRefused(
            f"The database could not be brought up to date ({error_summary(problem)}): "
            "see python manage.py migrate for the whole story."
        ) from problem
    print(f"database: {len(waiting)} migrations applied")


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
