"""Deleting a team: an owner asks for it, seven days later it is done; until then any owner may keep the team."""

from datetime import timedelta
from typing import Final

from django.db import transaction

from exports import clock
from exports.audit import log as audit_log
from exports.errors import ConflictError, InvalidError
from exports.models import Team, User

GRACE: Final = timedelta(days=7)


def request_deletion(team: Team, user: User | None, typed_name: str) -> Team:
    """Has the team deleted after GRACE, and pauses it until then. Returns the team as it is now.

    `typed_name` must be the team's name. Raises InvalidError, and ConflictError when it was asked for before.
    """
    with transaction.atomic():
        current = Team.objects.select_for_update(no_key=True).get(pk=team.pk)
        if current.deletes_at is not None:
            raise ConflictError(f"The team {current} is to be deleted already.")
        if typed_name.strip() != current.name:
            raise InvalidError({"name": [f"Type the team's name exactly: {current.name}"]})
        now = clock.now()
        current.deletes_at, current.deletion_notified_at = now + GRACE, None
        current.paused_at = current.paused_at or now
        current.save(update_fields=["deletes_at", "deletion_notified_at", "paused_at"])
        audit_log.record_event(current, user, "asked to delete", f"team {current}", f"on {current.deletes_at:%Y-%m-%d}")
    return current


def keep_team(team: Team, user: User | None) -> Team:
    """Takes back that the team is to be deleted; a pause from before stays. Returns the team as it is now.

    Raises ConflictError when it is not to be deleted, or the deletion has begun.
    """
    with transaction.atomic():
        current = Team.objects.select_for_update(no_key=True).get(pk=team.pk)
        if current.deletes_at is None:
            raise ConflictError(f"The team {current} is not to be deleted.")
        if current.deletes_at <= clock.now():
            raise ConflictError(f"The team {current} is being deleted.")
        if current.paused_at == current.deletes_at - GRACE:
            current.paused_at = None
        current.deletes_at = current.deletion_notified_at = None
        current.save(update_fields=["deletes_at", "deletion_notified_at", "paused_at"])
        audit_log.record_event(current, user, "kept team", f"team {current}")
    return current
