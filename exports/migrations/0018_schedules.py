"""Schedules."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0017_saved_filters')]

    operations = [
        migrations.CreateModel(
            name='Schedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('type', models.CharField(max_length=40)),
                ('format', models.CharField(max_length=20)),
                ('options', models.JSONField(default=dict)),
                ('all_branches', models.BooleanField(default=False, help_text='Asks for every branch of the project.')),
                ('cron', models.CharField(max_length=100)),
                ('time_zone', models.CharField(blank=True, max_length=64)),
                ('spread_minutes', models.PositiveSmallIntegerField(default=0)),
                ('confirmed', models.BooleanField(default=False)),
                ('enabled', models.BooleanField(default=True)),
                ('disabled_reason', models.CharField(blank=True, max_length=300)),
                ('failures_in_a_row', models.PositiveIntegerField(default=0, editable=False)),
                ('next_run_at', models.DateTimeField(editable=False, null=True)),
                ('ask_at', models.DateTimeField(editable=False, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.AddField(
            model_name='schedule',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='schedule',
            name='last_export',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='exports.export'),
        ),
        migrations.AddField(
            model_name='schedule',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='schedule',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='exports.project'),
        ),
        migrations.AddField(
            model_name='schedule',
            name='team',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='exports.team'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('ask_at__isnull', False)), fields=['ask_at'], name='schedule_due'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(fields=['team', '-id'], name='schedule_of_team'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('ask_at__isnull', False)), fields=['team', 'ask_at'], name='schedule_next_of_team'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('enabled', False)), fields=['team', '-id'], name='schedule_disabled_of_team'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(fields=['project', '-id'], name='schedule_of_project'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(('spread_minutes__lte', 60)), name='schedule_spread_an_hour'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ask_at__isnull', False), ('enabled', True), ('next_run_at__isnull', False)), models.Q(('ask_at__isnull', True), ('enabled', False), ('next_run_at__isnull', True)), _connector='OR'), name='schedule_planned_iff_enabled'),
        ),
    ]
