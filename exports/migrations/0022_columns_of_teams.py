"""What the new version keeps in the table of teams."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0021_columns_of_accounts')]

    operations = [
        migrations.AddField(
            model_name='team',
            name='deleted_at',
            field=models.DateTimeField(editable=False, help_text='Nothing but the record of its exports is left since then.', null=True),
        ),
        migrations.AddField(
            model_name='team',
            name='deletes_at',
            field=models.DateTimeField(editable=False, help_text='When its files and credentials are deleted, unless it is kept.', null=True),
        ),
        migrations.AddField(
            model_name='team',
            name='deletion_notified_at',
            field=models.DateTimeField(editable=False, help_text='When mails about the deletion were queued; None while they were not.', null=True),
        ),
        migrations.AddField(
            model_name='team',
            name='expiry_notice_days',
            field=models.PositiveSmallIntegerField(db_default=3, default=3, help_text='Days between the notice that a file which nobody downloaded goes, and its going.'),
        ),
        migrations.AddField(
            model_name='team',
            name='language',
            field=models.CharField(choices=[('en', 'English'), ('fr', 'Français')], db_default='en', default='en', help_text='Of messages to chats, phones, and addresses of nobody with an account.', max_length=5),
        ),
        migrations.AddField(
            model_name='team',
            name='odd_change_percent',
            field=models.PositiveSmallIntegerField(default=50, help_text='Percent of rows or bytes against the exports before. Empty: nothing is odd.', null=True, verbose_name='odd from a change of'),
        ),
        migrations.AddField(
            model_name='team',
            name='paused_at',
            field=models.DateTimeField(editable=False, help_text='Nothing new is asked for since then.', null=True),
        ),
        migrations.AddField(
            model_name='team',
            name='quota_notified_percent',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name='team',
            name='time_zone',
            field=models.CharField(db_default='UTC', default='UTC', help_text='In which schedules run unless they say so.', max_length=64),
        ),
    ]
