"""Projects as commands name them: by the portal's number, or by the provider's own id."""

from django.core.management.base import CommandError

from exports.credentials import service
from exports.errors import InvalidError
from exports.models import Project, Team
from exports.providers.registry import PROVIDERS


def find_project(text: str, provider: str, team: str, returncode: int) -> Project:
    """Returns the project with this number, or with a provider's slug the one with this id there. Raises CommandError.

    `team`: the slug of the only team to look in; "" for all.
    """
    rows = Project.objects.select_related("credential", "team")
    rows = rows.filter(team=find_team(team, returncode)) if team else rows
    if not provider:
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise CommandError(
                f"argument project_id: invalid int value: {text!r}. Give the portal's number (see manage.py projects),"
                " or the provider's own id with --provider.",
                returncode=returncode,
            )
        project = rows.filter(pk=int(text)).first()
        if project is None:
            raise CommandError(f"There is no project {text}.", returncode=returncode)
        return project
    check_provider(provider, returncode)
    try:
        remote_id = service.parse_remote_id(PROVIDERS[provider], text)
    except InvalidError as error:
        raise CommandError(" ".join(error.errors["remote_id"]), returncode=returncode) from None
    found = list(rows.filter(credential__provider=provider, remote_id=remote_id).order_by("archived_at", "pk"))
    live = [project for project in found if not project.is_archived] or found
    if not live:
        raise CommandError(
            f"No project {remote_id} of {PROVIDERS[provider].label} is here; manage.py projects lists those that are.",
            returncode=returncode,
        )
    if len(live) > 1:
        numbers = ", ".join(f"{row.pk} (team {row.team.slug}, credential {row.credential.name})" for row in live)
        raise CommandError(
            f"Several projects have this id; give the portal's number: {numbers}.", returncode=returncode
        )
    return live[0]


def find_team(slug: str, returncode: int) -> Team:
    """Returns the team. Raises CommandError."""
    team = Team.objects.filter(slug=slug).first()
    if team is None:
        raise CommandError(f"There is no team {slug}.", returncode=returncode)
    return team


def check_provider(slug: str, returncode: int) -> None:
    """Raises CommandError for a provider that the portal does not have."""
    if slug not in PROVIDERS:
        raise CommandError(
            f"There is no provider {slug}. Choose one of: {', '.join(PROVIDERS)}.", returncode=returncode
        )
