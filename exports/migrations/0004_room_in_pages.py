"""Room in the pages of exports, so that a claim finds place for its new version of the row beside the old one."""

from typing import ClassVar

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def leave_room(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """PostgreSQL writes no index entries for such a version; docs/decisions/0002 has the figures."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE exports_export SET (fillfactor = 85)")


class Migration(migrations.Migration):
    """Changes how the table is kept, not what is in it."""

    dependencies: ClassVar = [("exports", "0003_count_what_is_kept")]
    operations: ClassVar = [migrations.RunPython(leave_room, migrations.RunPython.noop)]
