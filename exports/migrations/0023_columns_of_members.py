"""What the new version keeps in the table of members."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('exports', '0022_columns_of_teams')]

    operations = [
        migrations.AddField(
            model_name='member',
            name='mail_events',
            field=models.JSONField(help_text='The chosen events; null: by the choices of the account.', null=True),
        ),
        migrations.AddField(
            model_name='member',
            name='mail_scope',
            field=models.CharField(choices=[('mine', 'My exports'), ('all', 'All of the team'), ('none', 'Nothing')], db_default='mine', default='mine', help_text='Which events of the team the person is mailed.', max_length=5),
        ),
    ]
