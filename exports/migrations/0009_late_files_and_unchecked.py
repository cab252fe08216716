"""Files that come late, files of which a part could not be checked, and the room that a full disk must have first."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0008_slow_work_gives_way'),
    ]

    operations = [
        migrations.AddField(
            model_name='export',
            name='late_answers',
            field=models.PositiveIntegerField(default=0, editable=False, help_text='Times in a row that the file was not at its host yet.'),
        ),
        migrations.AddField(
            model_name='export',
            name='needed_bytes',
            field=models.BigIntegerField(default=0, editable=False, help_text='Room that the file needs at least, where the disk was full.'),
        ),
        migrations.AddField(
            model_name='file',
            name='unchecked',
            field=models.CharField(blank=True, default='', help_text='What of it could not be checked, as a sentence.', max_length=300),
        ),
    ]
