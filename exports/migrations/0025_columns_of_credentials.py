"""What the new version keeps in the table of credentials."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0024_columns_of_tokens')]

    operations = [
        migrations.AddField(
            model_name='credential',
            name='deleted_at',
            field=models.DateTimeField(editable=False, help_text='Its secrets are gone since then; the history of its projects needs the row.', null=True),
        ),
        migrations.AddField(
            model_name='credential',
            name='discovered_at',
            field=models.DateTimeField(editable=False, help_text="When its provider's projects were listed last.", null=True),
        ),
        migrations.AddField(
            model_name='credential',
            name='discovery_error',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=500),
        ),
        migrations.AddField(
            model_name='credential',
            name='paused_at',
            field=models.DateTimeField(editable=False, help_text='Nothing new is asked for since then.', null=True),
        ),
        migrations.AddField(
            model_name='credential',
            name='refused_notified_at',
            field=models.DateTimeField(editable=False, help_text='When the team was told that the provider refuses it; None while it works.', null=True),
        ),
    ]
