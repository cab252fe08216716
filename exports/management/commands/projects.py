"""`manage.py projects`: lists projects with the portal's number and the provider's own id."""

import json
from argparse import ArgumentParser
from typing import Any

from exports.management.project_lookup import check_provider, find_team
from exports.management.translated_command import TranslatedCommand
from exports.models import Project
from exports.sentences import translated

EXIT_USAGE = 2
HEADINGS = ("number", "provider", "id there", "team", "name")


class Command(TranslatedCommand):
    """Exit codes: 0 listed, 2 usage. Archived projects are not listed."""

    help = "Lists projects: the portal's number, which `export` takes, and the provider's own id."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--team", default="", metavar="SLUG", help="Only this team's.")
        parser.add_argument("--provider", default="", metavar="P", help="Only this provider's.")
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = Project.objects.select_related("credential", "team").filter(archived_at=None).order_by("pk")
        if options["team"]:
            rows = rows.filter(team=find_team(options["team"], EXIT_USAGE))
        if options["provider"]:
            check_provider(options["provider"], EXIT_USAGE)
            rows = rows.filter(credential__provider=options["provider"])
        projects = list(rows)
        if options["json"]:
            self.stdout.write(json.dumps([project_summary(project) for project in projects], indent=2))
            return
        lines = [HEADINGS, *(tuple(map(str, list(project_summary(project).values())[:5])) for project in projects)]
        widths = [max(len(line[column]) for line in lines) for column in range(4)]
        for line in lines if projects else ():
            cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
            self.stdout.write("  ".join([*cells, line[4]]).rstrip())
        if not projects:
            self.stderr.write(translated("There are no projects here."))


def project_summary(project: Project) -> dict[str, Any]:
    """Returns the project as a JSON object for scripts."""
    return {
        "id": project.pk,
        "provider": project.credential.provider,
        "remote_id": project.remote_id,
        "team": project.team.slug,
        "name": project.name,
        "credential_id": project.credential_id,
    }
