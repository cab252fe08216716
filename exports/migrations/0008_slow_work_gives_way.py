"""Which messages are slow, and which downloads are to give way to others."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0007_ask_at_most_twice'),
    ]

    operations = [
        migrations.AddField(
            model_name='reservation',
            name='slow_since',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='reservation',
            name='gives_way',
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name='export',
            name='polls_alone',
            field=models.BooleanField(default=False, editable=False, help_text='Its provider answers slowly: it is polled with other slow ones.'),
        ),
    ]
