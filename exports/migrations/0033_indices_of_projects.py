"""Indices of projects, apart from their columns: while one is made, pages go on reading."""

import exports.models.project
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0032_indices_and_constraints_of_messages')]

    operations = [
        migrations.AddIndex(
            model_name='project',
            index=models.Index(condition=models.Q(('fresh_within_hours__gt', 0)), fields=['team', 'last_good_at'], name='project_with_target'),
        ),
        migrations.AddIndex(
            model_name='project',
            index=models.Index(models.F('team'), exports.models.project.GoodUntil(), condition=models.Q(('archived_at', None)), name='project_good_until'),
        ),
    ]
