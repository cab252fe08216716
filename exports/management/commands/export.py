"""`manage.py export PROJECT_ID --type T`: creates an export and, with --wait, waits for its end."""

import json
import shutil
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from exports import states
from exports.errors import ConflictError, InvalidError
from exports.exporting.create import ExportRequest, Requester, create_export
from exports.management.progress import EXIT_CODES, STILL_OPEN, ProgressPrinter, export_summary
from exports.models import Export, File, Member, Project
from exports.models.team import MEMBER, OWNER
from exports.storage import files

EXIT_USAGE = 2


class Command(BaseCommand):
    """Exit codes: 0 created or succeeded, 1 failed, 2 usage, 3 canceled, 4 still open after --timeout."""

    help = "Asks for an export of one of the portal's projects."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project_id", type=int, help="The portal's number of the project.")
        parser.add_argument("--type", required=True, help="The kind, e.g. archive, app, video, orders.")
        parser.add_argument("--format", default="", help="The file format, where the kind has several.")
        parser.add_argument(
            "--option", action="append", default=[], metavar="KEY=VALUE", help="Lists and objects as JSON; repeatable."
        )
        parser.add_argument("--confirm", action="store_true", help="For kinds that change something at the provider.")
        parser.add_argument("--adopt", default="", metavar="REMOTE_ID", help="Watch a job that runs there already.")
        parser.add_argument("--allow-twin", action="store_true", help="Also while the same export is still open.")
        parser.add_argument("--as", dest="email", default="", metavar="EMAIL", help="Who asks; else the team's owner.")
        parser.add_argument("--wait", action="store_true", help="Wait for the end, with progress.")
        parser.add_argument("--timeout", type=float, default=86400, help="Seconds to wait (86400).")
        parser.add_argument("--output", type=Path, help="With --wait: copy the file there.")
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.select_related("credential", "team").filter(pk=options["project_id"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project_id']}.", returncode=EXIT_USAGE)
        if options["output"] and not options["wait"]:
            raise CommandError("--output needs --wait.", returncode=EXIT_USAGE)
        request = ExportRequest(
            type=options["type"],
            format=options["format"],
            options=parse_options(options["option"]),
            confirm=options["confirm"],
            adopt=options["adopt"],
            allow_duplicate=options["allow_twin"],
        )
        try:
            export = create_export(project, request, Requester(find_requester(project, options["email"]).user))
        except InvalidError as error:
            lines = [f"{name}: {' '.join(texts)}" for name, texts in error.errors.items()]
            raise CommandError("\n".join(lines), returncode=EXIT_USAGE) from None
        except ConflictError as error:
            raise CommandError(f"{error} (--allow-twin)", returncode=EXIT_USAGE) from None
        if not options["wait"]:
            self.stdout.write(json.dumps({"id": export.pk}) if options["json"] else str(export.pk))
            return
        self._wait(export, options)

    def _wait(self, export: Export, options: dict[str, Any]) -> None:
        """Prints the progress, then the result, and exits with the code of the export's status."""
        [export] = ProgressPrinter().follow([export.pk], options["timeout"])
        path = deliver_file(export.file, options["output"]) if export.file else None
        if options["json"]:
            summary = export_summary(export)
            if summary["file"]:
                summary["file"]["path"] = str(path)
            self.stdout.write(json.dumps(summary))
        elif path is not None:
            self.stdout.write(str(path))
        elif export.status == states.SUCCEEDED:
            self.stdout.write(f"Export {export.pk} succeeded; this kind yields no file.")
        if export.status == states.FAILED:
            self.stderr.write(f"Failed ({export.error_code}, next: {export.error_action}): {export.error_message}")
        elif export.is_open:
            self.stderr.write(f"Export {export.pk} is still open; it goes on without this command.")
        sys.exit(EXIT_CODES.get(export.status, STILL_OPEN))


def deliver_file(file: File, output: Path | None) -> Path:
    """Copies the file to `output` (a file or a directory), if given. Returns where it is. Raises CommandError."""
    path = files.path_of(file)
    if output is None:
        return path
    target = output / file.name if output.is_dir() else output
    try:
        shutil.copyfile(path, target)
    except OSError as error:
        raise CommandError(f"The file lies at {path}, but {target}: {error.strerror}.") from None
    return target


def parse_options(pairs: list[str]) -> dict[str, Any]:
    """Parses KEY=VALUE pairs; JSON lists, JSON objects, true and false become such values. Raises CommandError."""
    options: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise CommandError(f"--option {pair}: write KEY=VALUE.", returncode=EXIT_USAGE)
        value: Any = text
        if text[:1] in ("[", "{") or text in ("true", "false"):
            try:
                value = json.loads(text)
            except ValueError:
                raise CommandError(f"--option {name}: that is not JSON.", returncode=EXIT_USAGE) from None
        options[name] = value
    return options


def find_requester(project: Project, email: str) -> Member:
    """Returns the member with this address, else the team's first owner. Raises CommandError."""
    members = Member.objects.select_related("user").filter(team=project.team, user__is_active=True)
    if email:
        member = members.filter(user__email__iexact=email, role__in=[OWNER, MEMBER]).first()
        if member is None:
            raise CommandError(f"{email} is no owner or member of {project.team}.", returncode=EXIT_USAGE)
        return member
    owner = members.filter(role=OWNER).order_by("pk").first()
    if owner is None:
        raise CommandError(f"{project.team} has no owner; say who asks with --as EMAIL.", returncode=EXIT_USAGE)
    return owner
