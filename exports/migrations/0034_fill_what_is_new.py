"""Fills the team of mails that were written before, when each project's last good export ended, and the totals.

It looks at no old file.
"""

from typing import Any

from django.db import migrations
from django.db.models import F, Max, OuterRef, Subquery

BATCH = 5000
# Models as they are here know no SQL of their own; what is counted is what `exports.models.rollup` counts from now on.
COUNT_EXPORTS = """
    INSERT INTO exports_rollup (series, key, count, seconds)
    SELECT 'exports', credential.provider || '|' || export.type || '|' || export.status, count(*), 0
    FROM exports_export AS export JOIN exports_project AS project ON project.id = export.project_id
    JOIN exports_credential AS credential ON credential.id = project.credential_id GROUP BY 2
"""
COUNT_SENT = """
    INSERT INTO exports_rollup (series, key, count, seconds)
    SELECT 'sent', '', count(*), 0 FROM exports_outboxmessage WHERE sent_at IS NOT NULL
"""


def fill(apps: Any, schema_editor: Any) -> None:
    export = apps.get_model("exports", "Export")
    messages = apps.get_model("exports", "OutboxMessage").objects.filter(team=None)
    messages.update(team_id=Subquery(export.objects.filter(pk=OuterRef("export_id")).values("team_id")[:1]))
    projects = apps.get_model("exports", "Project").objects
    good = export.objects.filter(status="succeeded", file__isnull=False)
    for row in good.values("project_id").annotate(at=Max("finished_at")).iterator(chunk_size=BATCH):
        projects.filter(pk=row["project_id"]).update(last_good_at=row["at"])
    apps.get_model("exports", "File").objects.update(examined_at=F("verified_at"))


class Migration(migrations.Migration):
    dependencies = [("exports", "0033_indices_of_projects")]
    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunSQL(COUNT_EXPORTS, migrations.RunSQL.noop),
        migrations.RunSQL(COUNT_SENT, migrations.RunSQL.noop),
    ]
