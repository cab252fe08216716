"""Retention rules."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0015_remote_projects')]

    operations = [
        migrations.CreateModel(
            name='RetentionRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('keep_last', models.PositiveIntegerField(null=True)),
                ('keep_days', models.PositiveIntegerField(null=True)),
                ('keep_daily', models.PositiveIntegerField(null=True)),
                ('keep_weekly', models.PositiveIntegerField(null=True)),
                ('keep_monthly', models.PositiveIntegerField(null=True)),
                ('max_bytes', models.PositiveBigIntegerField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='project',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.CASCADE, to='exports.project'),
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='team',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='exports.team'),
        ),
        migrations.AddConstraint(
            model_name='retentionrule',
            constraint=models.UniqueConstraint(condition=models.Q(('project', None)), fields=('team',), name='retention_once_a_team'),
        ),
    ]
