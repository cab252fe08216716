"""What has to be true before the portal's processes start: a database as this code expects it, keys that open it."""

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
    """Bring database and static files up to date. Refused with a sentence when the portal must not start."""
    _migrate()
    _check_keys()
    _collect_static()


def newer_migrations(loader: MigrationLoader) -> list[str]:
    """The portal's migrations that the database has and this code does not know, so a newer version made them."""
    known = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        known.update(migration.replaces)
    return sorted(
        f"{app}.{name}" for app, name in loader.applied_migrations if app == "exports" and (app, name) not in known
    )


def error_summary(problem: Exception) -> str:
    """What an error says, on one line without a full stop."""
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
    except Exception as problem:  # a migration may run any code
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
    """Collect the static files unless nothing has changed since the last time."""
    mark = Path(settings.STATIC_ROOT) / ".collected"
    now = _static_fingerprint()
    try:
        if mark.is_file() and mark.read_text(encoding="ascii") == now:
            return
        call_command("collectstatic", interactive=False, verbosity=0)
        mark.write_text(now, encoding="ascii")
    except (OSError, ValueError, CommandError) as problem:
        raise StartRefused(f"The static files could not be collected ({error_summary(problem)}).") from problem


def _static_fingerprint() -> str:
    """A hash over name, size and time of every static file there is to collect."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            state = Path(storage.path(name)).stat()
            digest.update(f"{name} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()
