"""Indices of exports, apart from their columns: while one is made, pages go on reading."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0029_columns_of_messages')]

    operations = [
        migrations.AddIndex(
            model_name='export',
            index=models.Index(condition=models.Q(('schedule__isnull', False)), fields=['schedule', '-id'], name='export_of_schedule'),
        ),
        migrations.AddIndex(
            model_name='export',
            index=models.Index(condition=models.Q(('finished_at__isnull', False), models.Q(('remote_id', ''), _negated=True)), fields=['remote_id'], name='export_by_remote_id'),
        ),
        migrations.AddIndex(
            model_name='export',
            index=models.Index(condition=models.Q(('status', 'failed')), fields=['finished_at'], name='export_failed'),
        ),
    ]
