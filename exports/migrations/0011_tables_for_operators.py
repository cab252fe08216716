"""Tables that belong to no team: totals, incidents, last runs, which database this is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0010_archived_projects_and_the_trigger_command')]

    operations = [
        migrations.CreateModel(
            name='DatabaseIdentity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('identity', models.CharField(max_length=200)),
                ('restored_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Incident',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=60, unique=True)),
                ('detail', models.CharField(max_length=300)),
                ('since', models.DateTimeField()),
                ('seen_at', models.DateTimeField()),
                ('times', models.PositiveIntegerField(default=1)),
                ('notified_at', models.DateTimeField(null=True)),
                ('end_notified_at', models.DateTimeField(null=True)),
                ('held_until', models.DateTimeField(null=True)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='LastRun',
            fields=[
                ('name', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Rollup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('series', models.CharField(choices=[('exports', 'exports'), ('answers', 'answers'), ('steps', 'steps'), ('sent', 'sent')], max_length=20)),
                ('key', models.CharField(max_length=120)),
                ('count', models.BigIntegerField()),
                ('seconds', models.FloatField(default=0.0)),
            ],
            options={
                'default_permissions': (),
            },
        ),
    ]
