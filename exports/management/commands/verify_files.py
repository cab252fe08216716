"""`manage.py verify_files`: reads kept files again and compares their hashes."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from exports import clock
from exports.housekeeping import verification
from exports.management.translated_command import TranslatedCommand
from exports.sentences import translated

EXIT_DAMAGED = 1
MAX_DAYS = 36_500


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_DAYS):
        raise ArgumentTypeError(f"{text!r} is no number of days")
    return int(text)


class Command(TranslatedCommand):
    """Exit codes: 0 all good, 1 a file is damaged, gone or cannot be read, 2 usage."""

    help = "Reads kept files again and compares their hashes."
    changes = True
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        group = parser.add_mutually_exclusive_group()
        group.add_argument(
            "--since",
            type=_days,
            default=verification.EVERY_DAYS,
            metavar="DAYS",
            help="Those that were not read for so many days (default: %(default)s).",
        )
        group.add_argument("--all", action="store_true", help="All kept files.")

    def handle(self, *args: Any, **options: Any) -> None:
        not_since = None if options["all"] else clock.now() - timedelta(days=options["since"])
        done = verification.Verified()
        for file in verification.files_to_verify(not_since):
            if problem := verification.verify(file, done, rest=0):
                self.stdout.write(translated(f"{file.path}: {problem}"))
        count = done.good + done.damaged
        self.stdout.write(
            translated(f"Read {count} files: {done.damaged} damaged or gone, {done.unread} could not be read.")
        )
        if done.damaged or done.unread:
            raise SystemExit(EXIT_DAMAGED)
