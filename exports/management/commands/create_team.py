"""`manage.py create_team NAME --owner EMAIL`: creates a team and, if there is none, its owner's account."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from exports.errors import InvalidError
from exports.management.translated_command import TranslatedCommand
from exports.models import User
from exports.people.teams import create_team
from exports.sentences import translated


class Command(TranslatedCommand):
    """The password of a new user is prompted for, or read from standard input."""

    help = "Creates a team. Its slug is the name in lower case with hyphens."
    changes = True
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--owner", required=True, metavar="EMAIL")
        parser.add_argument("--password-stdin", action="store_true", help="Read the new user's password from there.")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["owner"]
        exists = User.objects.filter(email__iexact=email).exists()
        try:
            password = None if exists else self._read_password(email, options["password_stdin"])
            team, user, is_new = create_team(options["name"], email, password)
        except InvalidError as error:
            raise CommandError(" ".join(text for texts in error.errors.values() for text in texts)) from None
        self.stdout.write(translated(f"Team {team.slug}, owner {user.email} ({'new' if is_new else 'known'} user)."))

    def _read_password(self, email: str, from_stdin: bool) -> str:
        if from_stdin:
            password = sys.stdin.readline().rstrip("\r\n")
        elif sys.stdin.isatty():
            password = getpass.getpass(translated(f"Password for {email}: "))
            if getpass.getpass(translated("Once more: ")) != password:
                raise CommandError("The two passwords differ.")
        else:
            raise CommandError("There is no terminal to ask for the password; use --password-stdin.")
        try:
            validate_password(password, User(email=email))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        return password
