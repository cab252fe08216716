"""`manage.py delete_team SLUG`: has a team deleted in a week, as its owners can in the settings; or keeps it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from exports.errors import ConflictError
from exports.exporting import team_deletion
from exports.management.project_lookup import find_team
from exports.management.translated_command import TranslatedCommand
from exports.sentences import translated

EXIT_REFUSED = 1
EXIT_USAGE = 2


class Command(TranslatedCommand):
    """Exit codes: 0 done, 1 it was so already, 2 usage."""

    help = "Has a team deleted in a week: files, credentials, schedules, memberships. The record of exports stays."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("team", metavar="SLUG", help="The team's address.")
        parser.add_argument("--keep", action="store_true", help="Take it back, before the week is over.")

    def handle(self, *args: Any, **options: Any) -> None:
        team = find_team(options["team"], EXIT_USAGE)
        try:
            if options["keep"]:
                team_deletion.keep_team(team, None)
                self.stdout.write(translated(f"{team.slug} is kept."))
                return
            team = team_deletion.request_deletion(team, None, team.name)
        except ConflictError as problem:
            raise CommandError(translated(problem), returncode=EXIT_REFUSED) from None
        assert team.deletes_at is not None  # noqa: S101  for the type checker
        self.stdout.write(translated(f"{team.slug} is paused, and will be deleted on {team.deletes_at:%Y-%m-%d}."))
