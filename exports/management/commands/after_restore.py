"""`manage.py after_restore`: makes a database that was restored from a copy safe to go on with."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import connection

from exports.housekeeping.after_restore import IDS_AHEAD, take_over_restored
from exports.management.prepare import migrate_database
from exports.management.translated_command import TranslatedCommand
from exports.models import DatabaseIdentity
from exports.sentences import translated
from exports.supervisor.preflight import StartRefused


def _refuse_where_nothing_was_restored() -> None:
    """Without the settings of the portal that was restored, the command would prepare an empty database of its own."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite" and not Path(name).exists():
        raise CommandError(
            translated(
                f"There is no database at {name}. Restore it first, or give DATABASE_URL or DATA_DIR; where the portal"
                " runs with a file of settings, run its own command (docs/deploy: export-portal after_restore)."
            )
        )


class Command(TranslatedCommand):
    """Run it after every restore, before anything of the portal starts."""

    help = "After a restore, before the start: what may have been sent since the copy was made is not sent again."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        group = parser.add_mutually_exclusive_group()
        group.add_argument(
            "--moved", action="store_true", help="The database was moved while the portal stood still: nothing is lost."
        )
        group.add_argument(
            "--ids-ahead",
            type=int,
            default=IDS_AHEAD,
            metavar="N",
            help="New numbers begin so much above those of the copy (default: %(default)s).",
        )

    def handle(self, *args: Any, moved: bool, ids_ahead: int, **options: Any) -> None:
        _refuse_where_nothing_was_restored()
        try:
            migrate_database()
        except StartRefused as refusal:
            raise CommandError(translated(refusal)) from None
        if moved:
            DatabaseIdentity.accept()
            self.stdout.write(translated("The database is accepted as it is."))
            return
        done = take_over_restored(max(ids_ahead, 0))
        lines = (
            f"{done.searched} exports waited for their request: the portal looks for their jobs before it asks.",
            f"{done.doubtful} requests were in doubt: their jobs are looked for, and they are not sent again.",
            f"{done.messages} mails and alerts that waited are not sent.",
            f"{done.schedules} schedules go on with their next planned time.",
            f"{done.sessions} sessions ended: people sign in again.",
        )
        for line in lines:
            self.stdout.write(translated(line))
