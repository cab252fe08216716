"""Commands that speak the terminal's language. What scripts read, such as JSON and numbers, is the same in all."""

from argparse import Action
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.utils import translation

from exports.languages import of_terminal
from exports.sentences import translated

READ_ONLY: Final = "The portal is being maintained (READ_ONLY is set): nothing was changed. Try again later."
# As `sysexits.h` has it for what is worth trying again later (EX_TEMPFAIL).
TRY_LATER: Final = 75


class _HelpFormatter(DjangoHelpFormatter):
    def _get_help_string(self, action: Action) -> str | None:
        return translated(action.help) if action.help else action.help


class TranslatedCommand(BaseCommand):
    """Runs in the terminal's language; its help and its errors are translated, its lines by `translated`.

    `changes`: it changes what the portal keeps, and so is refused with READ_ONLY (exit code 75).
    """

    changes = False

    def run_from_argv(self, argv: list[str]) -> None:
        with translation.override(of_terminal()):
            super().run_from_argv(argv)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, formatter_class=_HelpFormatter, **kwargs)
        parser.description = translated(parser.description or "")
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        with translation.override(of_terminal()):
            try:
                if self.changes and settings.READ_ONLY and not options.get("dry_run"):
                    raise CommandError(READ_ONLY, returncode=TRY_LATER)
                return super().execute(*args, **options)
            except CommandError as error:
                raise CommandError(translated(error), returncode=error.returncode) from error.__cause__
