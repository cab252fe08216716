"""What the new version keeps in the table of messages."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0028_columns_of_exports')]

    operations = [
        migrations.AddField(
            model_name='outboxmessage',
            name='answer',
            field=models.CharField(blank=True, db_default='', default='', help_text='The beginning of the answer, without secrets.', max_length=500),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='answer_status',
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='team',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='exports.team'),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='outboxmessage',
            name='export',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='exports.export'),
        ),
        migrations.AlterField(
            model_name='outboxmessage',
            name='kind',
            field=models.CharField(choices=[('mail', 'mail'), ('relay', 'relay'), ('alert', 'alert'), ('webhook', 'webhook'), ('cleanup', 'cleanup')], max_length=10),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='alert',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='exports.alert'),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='event',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='exports.event'),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='webhook',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='exports.webhook'),
        ),
    ]
