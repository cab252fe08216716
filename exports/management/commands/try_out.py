"""`manage.py try_out`: creates one export of each kind in the demo team; `make run` must be running."""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any, Final

from django.core.management.base import CommandError

from exports import states
from exports.exporting.create import ExportRequest, Requester, create_export
from exports.management.progress import STILL_OPEN, ProgressPrinter, export_summary
from exports.management.translated_command import TranslatedCommand
from exports.metrics.workers import get_workers
from exports.models import Export, Member, Project, Team
from exports.models.team import OWNER
from exports.sandbox.demo_data import EXPORT_REQUESTS, TEAM_SLUG
from exports.sentences import translated

# `make run` is ready when its pages answer, which may be a moment before its worker is there.
WORKER_SECONDS: Final = 10


class Command(TranslatedCommand):
    """Exit codes: 0 all succeeded, 1 one did not, 4 one is still open."""

    help = "Runs one export of each kind in the demo team, waits, and prints how each ended."
    changes = True
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print JSON.")
        parser.add_argument("--timeout", type=float, default=180, help="Seconds to wait (180).")

    def handle(self, *args: Any, **options: Any) -> None:
        team = Team.objects.filter(slug=TEAM_SLUG).first()
        if team is None:
            raise CommandError("There is no demo team. Start the portal with `make run` and try again beside it.")
        if not _worker_comes():
            raise CommandError("No worker is running. Start the portal with `make run` and try again beside it.")
        owner = Member.objects.select_related("user").filter(team=team, role=OWNER).order_by("pk")[0]
        ids = [self._create(team, owner, *values) for values in EXPORT_REQUESTS]
        exports = ProgressPrinter().follow(ids, options["timeout"])
        if options["json"]:
            self.stdout.write(json.dumps([export_summary(export) for export in exports], indent=2))
        else:
            for export in exports:
                self._report(export)
        if any(export.is_open for export in exports):
            sys.exit(STILL_OPEN)
        sys.exit(0 if all(export.status == states.SUCCEEDED for export in exports) else 1)

    def _create(
        self, team: Team, owner: Member, provider: str, type_: str, format_: str, options: Mapping[str, Any]
    ) -> int:
        """Creates an export in the team's first project of the provider. Returns its id."""
        projects = Project.objects.filter(team=team, credential__provider=provider, archived_at=None).order_by("pk")
        project = projects.select_related("credential", "team").first()
        if project is None:
            raise CommandError(f"The demo team has no {provider} project. Start the portal with `make run` again.")
        request = ExportRequest(type_, format_, dict(options), confirm=True, allow_duplicate=True)
        return create_export(project, request, Requester(owner.user, trigger="command")).pk

    def _report(self, export: Export) -> None:
        summary = export_summary(export)
        result = summary["file"]["path"] if summary["file"] else "no file, by design"
        if export.status != states.SUCCEEDED:
            result = export.error_message or "still open"
        kind = f"{summary['provider']} {summary['type']} ({summary['format']})"
        self.stdout.write(translated(f"{kind}: {summary['status']}  {result}"))


def _worker_comes() -> bool:
    """Whether a worker is there within WORKER_SECONDS."""
    end = time.monotonic() + WORKER_SECONDS
    while not (found := bool(get_workers().alive)) and time.monotonic() < end:
        time.sleep(0.5)
    return found
