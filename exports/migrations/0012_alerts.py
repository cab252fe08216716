"""Alerts."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0011_tables_for_operators')]

    operations = [
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('mail', 'mail'), ('slack', 'slack'), ('teams', 'teams'), ('discord', 'discord'), ('ntfy', 'ntfy')], max_length=10)),
                ('encrypted_address', models.TextField(default='', editable=False)),
                ('events', models.JSONField(default=list)),
                ('digest', models.CharField(choices=[('none', 'none'), ('daily', 'daily')], default='none', max_length=10)),
                ('digest_sent_at', models.DateTimeField(editable=False, null=True)),
                ('enabled', models.BooleanField(default=True)),
                ('disabled_reason', models.CharField(blank=True, max_length=300)),
                ('failing_since', models.DateTimeField(editable=False, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.AddField(
            model_name='alert',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='alert',
            name='team',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='exports.team'),
        ),
        migrations.AddConstraint(
            model_name='alert',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ('mail', 'slack', 'teams', 'discord', 'ntfy'))), name='alert_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='alert',
            constraint=models.CheckConstraint(condition=models.Q(('digest__in', ['none', 'daily'])), name='alert_digest_known'),
        ),
    ]
