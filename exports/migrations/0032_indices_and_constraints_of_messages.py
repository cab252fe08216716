"""Indices and constraints of messages, which the rows of the version before keep."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0031_indices_of_files')]

    operations = [
        migrations.RemoveConstraint(
            model_name='outboxmessage',
            name='notice_once',
        ),
        migrations.AddIndex(
            model_name='outboxmessage',
            index=models.Index(condition=models.Q(('webhook__isnull', False)), fields=['webhook', '-id'], name='delivery_of_webhook'),
        ),
        migrations.AddIndex(
            model_name='outboxmessage',
            index=models.Index(condition=models.Q(('due_at__isnull', True), ('sent_at__isnull', True)), fields=['-id'], name='notice_given_up'),
        ),
        migrations.AddConstraint(
            model_name='outboxmessage',
            constraint=models.UniqueConstraint(condition=models.Q(('event', None)), fields=('export', 'kind', 'key'), name='notice_once'),
        ),
        migrations.AddConstraint(
            model_name='outboxmessage',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'mail')), fields=('event', 'user'), name='mail_once_an_event'),
        ),
        migrations.AddConstraint(
            model_name='outboxmessage',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'alert')), fields=('event', 'alert'), name='alert_once_an_event'),
        ),
        migrations.AddConstraint(
            model_name='outboxmessage',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'webhook')), fields=('event', 'webhook'), name='webhook_once_an_event'),
        ),
        migrations.AddConstraint(
            model_name='outboxmessage',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ('mail', 'relay', 'alert', 'webhook', 'cleanup'))), name='notice_kind_known'),
        ),
    ]
