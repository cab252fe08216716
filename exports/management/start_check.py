"""Whether a process of the portal may start on the database as it is. Run when web, worker and beat start."""

import pkgutil
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from exports.models import DatabaseIdentity


def not_prepared() -> str:
    """The sentence where the database lacks migrations."""
    command = settings.PORTAL_COMMAND
    return f"The database is not migrated to this version of the portal: run {command} up --prepare, then start again."


def is_a_copy() -> str:
    """The sentence where the database is a copy of another one."""
    command = settings.PORTAL_COMMAND
    return (
        f"The database is a copy of another one: run {command} after_restore if it was restored, "
        f"or {command} after_restore --moved if it was moved while the portal stood still."
    )


def why_not_start() -> str:
    """Returns why no process of the portal may start, a sentence; "" where it may, or the database does not answer.

    Without a database processes start and wait for it. A database with migrations of a newer version is right for the
    older one's processes while the two run side by side.
    """
    try:
        if not _is_migrated():
            return not_prepared()
        return is_a_copy() if DatabaseIdentity.is_a_copy() else ""
    except DatabaseError:
        return ""
    finally:
        connection.close()


def _is_migrated() -> bool:
    applied = set(MigrationRecorder(connection).applied_migrations())
    if _names_on_disk() <= applied:
        return True
    # Squashed migrations count as applied by what they replace. Loading all of them takes a tenth of a second.
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _names_on_disk() -> set[tuple[str, str]]:
    return {
        (config.label, module.name)
        for config in apps.get_app_configs()
        for module in pkgutil.iter_modules([str(Path(config.path) / "migrations")])
        if module.name[0] not in "_~"
    }
