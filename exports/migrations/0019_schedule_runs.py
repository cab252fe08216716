"""What became of each planned time."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0018_schedules')]

    operations = [
        migrations.CreateModel(
            name='ScheduleRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('planned_at', models.DateTimeField()),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('outcome', models.CharField(choices=[('requested', 'requested'), ('skipped', 'skipped'), ('failed', 'failed'), ('missed', 'missed')], max_length=10)),
                ('note', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.AddField(
            model_name='schedulerun',
            name='export',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to='exports.export'),
        ),
        migrations.AddField(
            model_name='schedulerun',
            name='schedule',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='exports.schedule'),
        ),
        migrations.AddConstraint(
            model_name='schedulerun',
            constraint=models.UniqueConstraint(fields=('schedule', 'planned_at'), name='schedule_run_once'),
        ),
        migrations.AddConstraint(
            model_name='schedulerun',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ('requested', 'skipped', 'failed', 'missed'))), name='schedule_run_outcome_known'),
        ),
    ]
