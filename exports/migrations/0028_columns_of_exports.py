"""What the new version keeps in the table of exports."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0027_columns_of_files')]

    operations = [
        migrations.AddField(
            model_name='export',
            name='dismissed_at',
            field=models.DateTimeField(editable=False, help_text='Since when the team knows of the failure and wants no reminder of it.', null=True),
        ),
        migrations.AddField(
            model_name='export',
            name='dismissed_by',
            field=models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='export',
            name='odd_change',
            field=models.CharField(blank=True, db_default='', default='', editable=False, help_text='How its file differs oddly from those before, a sentence.', max_length=300),
        ),
        migrations.AddField(
            model_name='export',
            name='resends',
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False, help_text='Unanswered requests sent again, where that is harmless.'),
        ),
        migrations.AddField(
            model_name='export',
            name='search_first',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name='export',
            name='schedule',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='exports', to='exports.schedule'),
        ),
    ]
