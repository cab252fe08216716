"""`manage.py purge`: applies the retention rules of teams, or says what they would delete and why."""

from argparse import ArgumentParser
from typing import Any

from django.template.defaultfilters import filesizeformat

from exports import clock
from exports.exporting import purge
from exports.management.project_lookup import find_team
from exports.management.translated_command import TranslatedCommand
from exports.models import File, Team
from exports.sentences import translated
from exports.storage.retention_plan import rules_of

EXIT_USAGE = 2
BATCH = 500


class Command(TranslatedCommand):
    """Exit codes: 0 done, 2 usage."""

    help = "Deletes the files that the retention rules let go now. History says by which rule each went."
    changes = True
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Delete nothing: print what would go and why.")
        parser.add_argument("--team", default="", metavar="SLUG", help="Only this team's files.")

    def handle(self, *args: Any, **options: Any) -> None:
        teams = [find_team(options["team"], EXIT_USAGE)] if options["team"] else Team.objects.order_by("pk")
        for team in teams:
            if options["dry_run"]:
                self._print_plan(team)
            else:
                done = purge.purge(team)
                self.stdout.write(translated(f"{team.slug}: deleted {_files(done.files, done.bytes)}."))

    def _print_plan(self, team: Team) -> None:
        gone = purge.what_goes(rules_of(team), clock.now())
        for start in range(0, len(gone), BATCH):
            some = gone[start : start + BATCH]
            names = dict(File.objects.filter(pk__in=[one.file.id for one in some]).values_list("pk", "name"))
            for one in some:
                name = names.get(one.file.id, "")
                self.stdout.write(
                    translated(f"{team.slug}: export {one.file.export_id}, {name}, {one.file.size} bytes: {one.rule}")
                )
        self.stdout.write(
            translated(f"{team.slug}: would delete {_files(len(gone), sum(one.file.size for one in gone))}.")
        )


def _files(count: int, size: int) -> str:
    noun = "file" if count == 1 else "files"
    return f"{count} {noun}, {filesizeformat(size)}".replace("\xa0", " ")
