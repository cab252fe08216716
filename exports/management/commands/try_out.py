"""`manage.py try_out`: one export of each kind in the demo team, beside a running `make run`."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from exports import states
from exports.exporting.create import ExportRequest, Requester, create_export
from exports.management.progress import STILL_OPEN, ProgressPrinter, export_summary
from exports.models import Export, Heartbeat, Member, Project, Team
from exports.models.team import OWNER
from exports.sandbox.demo_data import EXPORT_REQUESTS, TEAM_SLUG


class Command(BaseCommand):
    """Ends 0 when all of them succeeded, 1 when one did not, 4 when one is still open."""

    help = "Asks for one export of each kind in the demo team, waits, and prints how each ended."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print JSON.")
        parser.add_argument("--timeout", type=float, default=180, help="Seconds to wait (180).")

    def handle(self, *args: Any, **options: Any) -> None:
        team = Team.objects.filter(slug=TEAM_SLUG).first()
        if team is None:
            raise CommandError("There is no demo team. Start the portal with `make run` and try again beside it.")
        if not Heartbeat.is_alive("worker:", 30):
            raise CommandError("No worker is running. Start the portal with `make run` and try again beside it.")
        owner = Member.objects.select_related("user").filter(team=team, role=OWNER).order_by("pk")[0]
        ids = [self._ask(team, owner, *wish) for wish in EXPORT_REQUESTS]
        exports = ProgressPrinter().follow(ids, options["timeout"])
        if options["json"]:
            self.stdout.write(json.dumps([export_summary(export) for export in exports], indent=2))
        else:
            for export in exports:
                self._report(export)
        if any(export.is_open for export in exports):
            sys.exit(STILL_OPEN)
        sys.exit(0 if all(export.status == states.SUCCEEDED for export in exports) else 1)

    def _ask(self, team: Team, owner: Member, provider: str, type_: str, format_: str, options: dict[str, Any]) -> int:
        projects = Project.objects.filter(team=team, credential__provider=provider).order_by("pk")
        project = projects.select_related("credential", "team").first()
        if project is None:
            raise CommandError(f"The demo team has no {provider} project. Start the portal with `make run` again.")
        wish = ExportRequest(type_, format_, options, confirm=True, allow_duplicate=True)
        return create_export(project, wish, Requester(owner.user)).pk

    def _report(self, export: Export) -> None:
        told = export_summary(export)
        where = told["file"]["path"] if told["file"] else "no file, by design"
        if export.status != states.SUCCEEDED:
            where = export.error_message or "still open"
        self.stdout.write(f"{told['provider']} {told['type']} ({told['format']}): {told['status']}  {where}")
