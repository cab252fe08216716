"""Indices of files, apart from their columns: while one is made, pages go on reading."""

import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0030_indices_of_exports')]

    operations = [
        migrations.AddIndex(
            model_name='file',
            index=models.Index(condition=models.Q(('deleted_at', None), ('examined_at', None)), fields=['id'], name='file_to_examine'),
        ),
        migrations.AddIndex(
            model_name='file',
            index=models.Index(condition=models.Q(('deleted_at', None)), fields=['storage', 'id'], name='file_by_storage'),
        ),
        migrations.AddIndex(
            model_name='file',
            index=models.Index(condition=models.Q(('moved_at__isnull', False)), fields=['moved_at'], name='file_moved'),
        ),
        migrations.AddIndex(
            model_name='file',
            index=models.Index(django.db.models.functions.comparison.Coalesce('reverified_at', 'verified_at'), models.F('id'), condition=models.Q(('deleted_at', None)), name='file_to_reverify'),
        ),
    ]
