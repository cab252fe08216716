"""Projects can be archived, and exports that a command asked for say so."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0009_late_files_and_unchecked'),
    ]

    operations = [
        migrations.AddField(
            model_name='project',
            name='archived_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name='export',
            name='trigger',
            field=models.CharField(choices=[('person', 'person'), ('api', 'api'), ('command', 'command'), ('schedule', 'schedule'), ('retry', 'retry'), ('adopt', 'adopt')], max_length=10),
        ),
    ]
