"""What the new version keeps in the table of accounts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0020_webhooks')]

    operations = [
        migrations.AddField(
            model_name='user',
            name='erased_at',
            field=models.DateTimeField(editable=False, help_text='Name and address were taken out then.', null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='language',
            field=models.CharField(blank=True, choices=[('', 'As the browser asks'), ('en', 'English'), ('fr', 'Français')], db_default='', default='', help_text='Of pages and mails. Empty: pages as the browser asks, mails in English.', max_length=5),
        ),
        migrations.AddField(
            model_name='user',
            name='shortcuts',
            field=models.BooleanField(db_default=True, default=True, help_text='Single keys act on pages. Ctrl-K works in any case.', verbose_name='keyboard shortcuts'),
        ),
    ]
