"""`manage.py make_staff EMAIL`: lets a person use the admin site, or with --remove no longer."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from exports.management.translated_command import TranslatedCommand
from exports.models import User
from exports.people.accounts import set_staff
from exports.sentences import translated


class Command(TranslatedCommand):
    """The account must exist: an invitation makes it, or `create_team`."""

    help = "Makes a person an admin, who may use the admin site; with --remove no longer."
    changes = True
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--remove", action="store_true", help="Takes it away again.")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"Nobody has the address {options['email']}. Invite them, or create a team for them.")
        set_staff(user, not options["remove"])
        self.stdout.write(translated(f"{user.email} is {'no longer ' if options['remove'] else ''}an admin."))
