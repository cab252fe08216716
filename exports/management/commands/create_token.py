"""`manage.py create_token EMAIL --team SLUG`: creates an API token and prints only it on standard output."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from exports.errors import InvalidError
from exports.management.translated_command import TranslatedCommand
from exports.models.token import READ, WRITE
from exports.people.teams import create_member_token


class Command(TranslatedCommand):
    """The token cannot be shown again: only its digest is stored."""

    help = "Creates an API token for a member of a team."
    changes = True
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--team", required=True, metavar="SLUG")
        parser.add_argument("--scope", choices=[READ, WRITE], default=WRITE)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            token = create_member_token(options["email"], options["team"], options["scope"])
        except InvalidError as error:
            raise CommandError(" ".join(text for texts in error.errors.values() for text in texts)) from None
        self.stdout.write(token)
