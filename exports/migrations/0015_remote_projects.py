"""Projects as they are at the provider, for coverage."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0014_events')]

    operations = [
        migrations.CreateModel(
            name='RemoteProject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('remote_id', models.CharField(max_length=200, verbose_name='id at the provider')),
                ('name', models.CharField(blank=True, max_length=200)),
                ('first_seen_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('last_seen_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('gone_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='remoteproject',
            name='credential',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='exports.credential'),
        ),
        migrations.AddConstraint(
            model_name='remoteproject',
            constraint=models.UniqueConstraint(fields=('credential', 'remote_id'), name='remote_project_once_a_credential'),
        ),
    ]
