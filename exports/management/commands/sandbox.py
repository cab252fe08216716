"""`python manage.py sandbox`: the stand-in providers alone."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from exports.sandbox.command import add_arguments, serve


class Command(BaseCommand):
    """Serves PlayCanvas, AI Studios, Toloka and Ulule stand-ins until it is told to stop."""

    help = "Serves stand-ins for the four providers over HTTP, to try the portal without any account."
    # It touches neither database nor settings, so nothing of the portal has to be in order for it.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of the stand-ins."""
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Ends with 0, 2 for a wrong option, 3 for a port that is taken."""

        def say(text: str) -> None:
            self.stdout.write(text)
            self.stdout.flush()

        code = serve(options, say, self.stderr.write)
        if code:
            sys.exit(code)
