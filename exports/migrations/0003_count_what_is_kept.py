"""What each team keeps, counted from its files: from here on it is written with every file that comes or goes."""

from typing import ClassVar

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import Count, Sum


def count(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Fills in `kept_bytes` and `kept_files` of teams that were there before."""
    kept = apps.get_model("exports", "File").objects.filter(deleted_at=None)
    teams = apps.get_model("exports", "Team").objects
    for row in kept.values("team_id").order_by("team_id").annotate(size_of_all=Sum("size"), many=Count("pk")):
        teams.filter(pk=row["team_id"]).update(kept_bytes=row["size_of_all"], kept_files=row["many"])


class Migration(migrations.Migration):
    """Changes rows of teams only."""

    dependencies: ClassVar = [("exports", "0002_engine_accounts_and_pace")]
    operations: ClassVar = [migrations.RunPython(count, migrations.RunPython.noop)]
