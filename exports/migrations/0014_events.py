"""Events, which are fanned out to mails, alerts and webhooks."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0013_automatic_protection')]

    operations = [
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('type', models.CharField(choices=[('export.succeeded', 'export.succeeded'), ('export.failed', 'export.failed'), ('export.canceled', 'export.canceled'), ('project.overdue', 'project.overdue'), ('project.fresh', 'project.fresh'), ('schedule.disabled', 'schedule.disabled'), ('credential.refused', 'credential.refused'), ('file.changed_oddly', 'file.changed_oddly'), ('file.damaged', 'file.damaged'), ('team.quota', 'team.quota')], max_length=30)),
                ('key', models.CharField(max_length=100)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('data', models.JSONField(default=dict)),
                ('fanned_out_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='event',
            name='export',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='exports.export'),
        ),
        migrations.AddField(
            model_name='event',
            name='project',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='exports.project'),
        ),
        migrations.AddField(
            model_name='event',
            name='team',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='exports.team'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('fanned_out_at__isnull', True)), fields=['id'], name='event_to_fan_out'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.UniqueConstraint(fields=('team', 'key'), name='event_once'),
        ),
    ]
