"""`manage.py reset_second_factor EMAIL`: removes the second factors of a user who has lost them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from exports.errors import ConflictError
from exports.management.translated_command import TranslatedCommand
from exports.models import User
from exports.people.security import reset_second_factors
from exports.sentences import translated


class Command(TranslatedCommand):
    """Verify the person's identity before: afterwards the password alone signs in."""

    help = "Removes all second factors and recovery codes of a person and ends their sessions; their teams see it."
    changes = True
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"Nobody has the address {options['email']}.")
        try:
            count = reset_second_factors(user, "a command")
        except ConflictError as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(translated(f"Removed {count} second factors of {user.email}, and ended their sessions."))
