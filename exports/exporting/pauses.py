"""Pauses of teams, credentials and projects: nothing new is asked for or scheduled; what runs goes on."""

from django.db import transaction

from exports import clock
from exports.audit import log as audit_log
from exports.credentials.service import describe_credential
from exports.errors import ConflictError
from exports.models import Credential, Project, Team, User

Pausable = Team | Credential | Project


def why_paused(project: Project) -> str:
    """Returns why nothing new is asked for of a project, a sentence that names what is paused; "" when nothing is.

    Makes no query when the project's team and credential are loaded.
    """
    if project.team.deletes_at is not None:
        return f"The team {project.team} is to be deleted: nothing new runs unless an owner keeps it."
    if project.team.paused_at is not None:
        return f"The team {project.team} is paused: nothing new runs until an owner resumes it."
    if project.credential.paused_at is not None:
        return (
            f"The credential {project.credential.name} is paused: nothing new runs with it until an owner resumes it."
        )
    if project.paused_at is not None:
        return f"The project {project} is paused: nothing new runs until someone resumes it."
    return ""


def pause(row: Pausable, user: User | None) -> None:
    """Pauses a team, a credential or a project. What is paused already stays as it is."""
    set_paused(row, user, True)


def resume(row: Pausable, user: User | None) -> None:
    """Ends the pause of a team, a credential or a project. What is not paused stays as it is."""
    set_paused(row, user, False)


def set_paused(row: Pausable, user: User | None, paused: bool) -> None:
    """Pauses or resumes, and records it in the audit log where that changed something.

    Raises ConflictError where a team is to be deleted, which stays paused.
    """
    if isinstance(row, Team) and not paused and row.deletes_at is not None:
        raise ConflictError(f"The team {row} is to be deleted. Keep it first.")
    at = clock.now() if paused else None
    with transaction.atomic():
        rows = type(row)._default_manager.filter(pk=row.pk, paused_at__isnull=paused)
        if rows.update(paused_at=at):
            team_id = row.pk if isinstance(row, Team) else row.team_id
            audit_log.record_event(team_id, user, "paused" if paused else "resumed", _describe(row))
    row.refresh_from_db(fields=["paused_at"])


def _describe(row: Pausable) -> str:
    if isinstance(row, Credential):
        return describe_credential(row)
    return f"team {row}" if isinstance(row, Team) else f"project {row}"
