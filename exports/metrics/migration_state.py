"""Whether the database has exactly the migrations of this code."""

from dataclasses import dataclass

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader


@dataclass(frozen=True)
class MigrationState:
    """How many migrations are `waiting` to be applied, and the names of those that only a newer version has."""

    waiting: int
    newer: list[str]


def migration_state() -> MigrationState:
    """Compares database and code. Raises DatabaseError."""
    connection.ensure_connection()
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return MigrationState(len(waiting), _newer_migrations(executor.loader))


def _newer_migrations(loader: MigrationLoader) -> list[str]:
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
