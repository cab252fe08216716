"""What the new version keeps in the table of files."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0026_columns_of_projects')]

    operations = [
        migrations.AddField(
            model_name='file',
            name='damaged_at',
            field=models.DateTimeField(editable=False, help_text='When it was found to be gone, or other than what was verified.', null=True),
        ),
        migrations.AddField(
            model_name='file',
            name='deleted_because',
            field=models.CharField(blank=True, db_default='', default='', help_text='By which rule, or by whom, as a sentence.', max_length=300),
        ),
        migrations.AddField(
            model_name='file',
            name='examined_at',
            field=models.DateTimeField(editable=False, help_text='When it was compared with the files before it.', null=True),
        ),
        migrations.AddField(
            model_name='file',
            name='expiry_notified_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='file',
            name='moved_at',
            field=models.DateTimeField(editable=False, help_text='When it was moved, until its bytes are deleted where it was before.', null=True),
        ),
        migrations.AddField(
            model_name='file',
            name='moved_from',
            field=models.CharField(blank=True, db_default='', default='', editable=False, help_text='Where it was before it was moved.', max_length=500),
        ),
        migrations.AddField(
            model_name='file',
            name='pinned_at',
            field=models.DateTimeField(editable=False, help_text='Kept until somebody unpins it.', null=True),
        ),
        migrations.AddField(
            model_name='file',
            name='pinned_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='file',
            name='reverified_at',
            field=models.DateTimeField(editable=False, help_text='When its bytes were read again last.', null=True),
        ),
        migrations.AddField(
            model_name='file',
            name='row_count',
            field=models.BigIntegerField(editable=False, help_text='Rows of a table, without the header.', null=True),
        ),
        migrations.AddField(
            model_name='file',
            name='storage',
            field=models.CharField(blank=True, db_default='', default='', help_text="Where it is: empty for the disk, else the bucket's address.", max_length=500),
        ),
    ]
