"""What the new version keeps in the table of projects."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0025_columns_of_credentials')]

    operations = [
        migrations.AddField(
            model_name='project',
            name='fresh_within_hours',
            field=models.PositiveIntegerField(help_text='How old its last good export may be, in hours.', null=True),
        ),
        migrations.AddField(
            model_name='project',
            name='last_good_at',
            field=models.DateTimeField(editable=False, help_text='When its last good export ended.', null=True),
        ),
        migrations.AddField(
            model_name='project',
            name='overdue_notified_at',
            field=models.DateTimeField(editable=False, help_text='When the team was told that it is overdue; None while it is not.', null=True),
        ),
        migrations.AddField(
            model_name='project',
            name='paused_at',
            field=models.DateTimeField(editable=False, help_text='Nothing new is asked for since then.', null=True),
        ),
        migrations.AlterField(
            model_name='project',
            name='remote_id',
            field=models.CharField(max_length=1000, verbose_name='id at the provider'),
        ),
    ]
