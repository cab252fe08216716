"""`manage.py sandbox`: serves the stand-in providers alone."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from exports.management.translated_command import TranslatedCommand
from exports.sandbox.command import add_arguments, serve


class Command(TranslatedCommand):
    """Serves the stand-ins of the providers until a signal ends it."""

    help = "Serves stand-ins for the four providers over HTTP, to try the portal without any account."
    # It uses neither the database nor the settings, so the portal's checks do not matter.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds the options of the stand-ins."""
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit codes: 0, 2 for an invalid option, 3 for a port in use."""

        def write_line(text: str) -> None:
            self.stdout.write(text)
            self.stdout.flush()

        code = serve(options, write_line, self.stderr.write)
        if code:
            sys.exit(code)
