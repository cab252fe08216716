"""Credentials whose new projects are protected by themselves."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0012_alerts')]

    operations = [
        migrations.CreateModel(
            name='AutoProtection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('type', models.CharField(max_length=40)),
                ('format', models.CharField(max_length=20)),
                ('options', models.JSONField(default=dict)),
                ('cron', models.CharField(max_length=100)),
                ('time_zone', models.CharField(blank=True, max_length=64)),
                ('spread_minutes', models.PositiveSmallIntegerField(default=0)),
                ('fresh_within_hours', models.PositiveIntegerField(null=True)),
                ('disabled_reason', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.AddField(
            model_name='autoprotection',
            name='credential',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, to='exports.credential'),
        ),
        migrations.AddField(
            model_name='autoprotection',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL),
        ),
    ]
