"""An index by which a submit finds what else runs of the same project."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exports", "0035_carried_calls")]
    operations = [
        migrations.AddIndex(
            model_name="project", index=models.Index(fields=["remote_id"], name="project_by_remote_id")
        ),
    ]
