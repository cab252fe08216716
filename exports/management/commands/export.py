"""`manage.py export PROJECT_ID --type T`: creates an export and, with --wait, waits for its end."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from exports import states
from exports.errors import ConflictError, DuplicateError, InvalidError
from exports.exporting.create import ExportRequest, Requester, create_export
from exports.management.output_target import OutputTarget
from exports.management.progress import EXIT_CODES, STILL_OPEN, ProgressPrinter, export_summary
from exports.management.project_lookup import find_project
from exports.management.translated_command import TranslatedCommand
from exports.models import Export, Member, Project
from exports.models.team import MEMBER, OWNER
from exports.sentences import translated
from exports.storage import places

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class Command(TranslatedCommand):
    """Exit codes: 0 created or succeeded, 1 failed, 2 usage, 3 canceled, 4 still open after --timeout."""

    help = "Runs an export of one of the portal's projects."
    changes = True
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "project_id", help="The portal's number of the project; with --provider the provider's own id."
        )
        parser.add_argument("--provider", default="", metavar="P", help="PROJECT_ID is this provider's own id.")
        parser.add_argument("--team", default="", metavar="SLUG", help="Look for the project in this team only.")
        parser.add_argument("--type", required=True, help="The kind, e.g. archive, app, video, orders.")
        parser.add_argument("--format", default="", help="The file format, where the kind has several.")
        parser.add_argument(
            "--option", action="append", default=[], metavar="KEY=VALUE", help="Lists and objects as JSON; repeatable."
        )
        parser.add_argument("--confirm", action="store_true", help="For kinds that change something at the provider.")
        parser.add_argument(
            "--adopt",
            default="",
            metavar="REMOTE_ID",
            help="Follow a job that runs there.",
        )
        parser.add_argument("--allow-twin", action="store_true", help="Also while one with these options is running.")
        parser.add_argument("--as", dest="email", default="", metavar="EMAIL", help="Whose it is; else the owner's.")
        parser.add_argument("--wait", action="store_true", help="Wait for the end, with progress.")
        parser.add_argument("--timeout", type=float, default=86400, help="Seconds to wait (86400).")
        parser.add_argument(
            "--output", metavar="PATH", help="With --wait: copy the file there; -: its bytes to standard output."
        )
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        project = find_project(options["project_id"], options["provider"], options["team"], EXIT_USAGE)
        output = None if options["output"] is None else OutputTarget(str(options["output"]))
        if output and not options["wait"]:
            raise CommandError("--output needs --wait.", returncode=EXIT_USAGE)
        request = ExportRequest(
            type=options["type"],
            format=options["format"],
            options=parse_options(options["option"]),
            confirm=options["confirm"],
            adopt=options["adopt"],
            allow_duplicate=options["allow_twin"],
        )
        member = find_requester(project, options["email"])
        if output:
            output.check(EXIT_USAGE)
        trigger = "adopt" if options["adopt"] else "command"
        try:
            export = create_export(project, request, Requester(member.user, trigger=trigger))
        except InvalidError as error:
            raise CommandError("\n".join(explain(error, project)), returncode=EXIT_USAGE) from None
        except DuplicateError as error:
            raise CommandError(f"{error} (--allow-twin)", returncode=EXIT_USAGE) from None
        except ConflictError as error:
            raise CommandError(str(error), returncode=EXIT_USAGE) from None
        if not options["wait"]:
            self.stdout.write(json.dumps({"id": export.pk}) if options["json"] else str(export.pk))
            return
        try:
            self._wait(export, output, options)
        except KeyboardInterrupt:
            self.stderr.write(translated(f"\nExport {export.pk} goes on without this command."))
            sys.exit(EXIT_INTERRUPTED)

    def _wait(self, export: Export, output: OutputTarget | None, options: dict[str, Any]) -> None:
        """Prints the progress, then the result, and exits with the code of the export's status."""
        [export] = ProgressPrinter().follow([export.pk], options["timeout"])
        path = places.describe(export.file) if export.file else None
        if export.file and output:
            delivered = output.deliver(export.file)
            path = None if delivered is None else str(delivered)
        # Beside the file's bytes nothing else may be on standard output.
        out = self.stderr if output and output.is_standard_output else self.stdout
        if options["json"]:
            summary = export_summary(export)
            if summary["file"] and path:
                summary["file"]["path"] = path
            out.write(json.dumps(summary), lambda text: text)
        elif path is not None:
            out.write(path)
        elif export.status == states.SUCCEEDED and not export.file:
            out.write(translated(f"Export {export.pk} succeeded; this kind yields no file."), lambda text: text)
        if export.status == states.FAILED:
            self.stderr.write(
                translated(f"Failed ({export.error_code}, next: {export.error_action}): {export.error_message}")
            )
        elif export.is_open:
            self.stderr.write(translated(f"Export {export.pk} is still open; it goes on without this command."))
        sys.exit(EXIT_CODES.get(export.status, STILL_OPEN))


def explain(error: InvalidError, project: Project) -> list[str]:
    """Returns a line for each wrong value, under the name of the option that gives it."""
    lines = []
    for name, texts in error.errors.items():
        head, _, option = name.partition(".")
        if head == "confirm":
            texts = [f"This changes the project at {project.provider.label}. Add --confirm if it is meant."]
        label = f"--option {option}" if head == "options" and option else f"--{head.removesuffix('s')}"
        lines.append(f"{label}: {' '.join(texts)}")
    return lines


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
