"""What the new version keeps in the table of tokens."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0023_columns_of_members')]

    operations = [
        migrations.AddField(
            model_name='token',
            name='expiry_notified_at',
            field=models.DateTimeField(editable=False, help_text='When its person was told of the end.', null=True),
        ),
    ]
