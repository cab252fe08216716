"""How many calls of the rate window before count in this one too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exports", "0034_fill_what_is_new")]
    operations = [
        migrations.AddField(
            model_name="ratewindow", name="carried_calls", field=models.PositiveIntegerField(db_default=0, default=0)
        ),
    ]
