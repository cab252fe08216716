"""What Celery's pool needs to run the steps: reservations, what each node can take, leases of outbox messages."""

import hashlib
from urllib.parse import urlsplit

from django.db import migrations, models


def fill_recipients(apps, schema_editor):
    """Messages that are still to be sent say to whom, so that no two go to one recipient at once."""
    for message in apps.get_model("exports", "OutboxMessage").objects.filter(due_at__isnull=False).select_related(
        "export__user"
    ).iterator():
        options = message.export.options
        address = message.export.user.email if message.kind == "mail" else str(options.get("webhook_url", ""))
        message.recipient = hashlib.sha256(address.strip().lower().encode()).hexdigest()[:32]
        try:
            message.host = (urlsplit(address).hostname or "mail")[:200]
        except ValueError:
            message.host = "unreadable"
        message.save(update_fields=["recipient", "host"])


def forget_heartbeats(apps, schema_editor):
    """Processes of the version before wrote them under other names; those that run write their own."""
    apps.get_model("exports", "Heartbeat").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0005_standard_names'),
    ]

    operations = [
        migrations.AddField(
            model_name='export',
            name='polls_alone',
            field=models.BooleanField(default=False, editable=False, help_text='Its provider answers slowly: it is polled in a message of its own.'),
        ),
        migrations.AddField(
            model_name='export',
            name='reserved',
            field=models.BooleanField(default=False, editable=False, help_text='Claimed for a message whose task has not begun.'),
        ),
        migrations.AddField(
            model_name='heartbeat',
            name='busy',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='heartbeat',
            name='queues',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='heartbeat',
            name='slots',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='held_until',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='host',
            field=models.CharField(default='', editable=False, max_length=200),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='recipient',
            field=models.CharField(default='', editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='reserved',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.CreateModel(
            name='Reservation',
            fields=[
                ('task_id', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('queue', models.CharField(max_length=40)),
                ('until', models.DateTimeField()),
                ('exports', models.JSONField(default=list)),
            ],
            options={
                'indexes': [models.Index(fields=['until'], name='reservation_until')],
            },
        ),
        migrations.RunPython(fill_recipients, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(forget_heartbeats, migrations.RunPython.noop, elidable=True),
    ]
