"""Deletes teams whose time has come. What stays is the record: which exports there were, who asked and downloaded.

Each part is done in batches that can be repeated, and the team's row is marked as deleted last: a process that dies in
between, or has no time left, is followed by the next sweep.
"""

import logging
import time
from typing import Final

from django.db import transaction

from exports import clock
from exports.audit import log as audit_log
from exports.credentials.delete import delete_credential
from exports.errors import ConflictError
from exports.exporting.actions import cancel
from exports.exporting.delete_file import BATCH, mark_deleted, remove_bytes
from exports.models import (
    Alert,
    Credential,
    Export,
    File,
    Invitation,
    Member,
    OutboxMessage,
    Project,
    RetentionRule,
    Schedule,
    Team,
    Webhook,
)

log = logging.getLogger(__name__)

# Who did it, in the activity that stays.
PORTAL: Final = "the portal"
REASON: Final = "The team was deleted."
# Of one sweep; the next one goes on.
SECONDS: Final = 20.0


def delete_due() -> int:
    """Deletes the teams that were to be deleted by now, for SECONDS at most. Returns how many are done."""
    ends = time.monotonic() + SECONDS
    done = 0
    for team in Team.objects.filter(deletes_at__lte=clock.now(), deleted_at=None).order_by("deletes_at", "pk"):
        try:
            done += _delete(team, ends)
        except Exception:
            # One team's failure, which the log has, must not keep the others.
            log.exception("Team %s could not be deleted; it is tried again in a minute.", team.pk)
        if time.monotonic() >= ends:
            break
    return done


def _delete(team: Team, ends: float) -> bool:
    """Deletes all that goes. Returns whether it is done; False when time is up."""
    _end_access(team)
    if not (_cancel_open(team, ends) and _delete_files(team, ends)):
        return False
    with transaction.atomic():
        Project.objects.filter(team=team, archived_at=None).update(archived_at=clock.now())
        for credential in Credential.objects.filter(team=team, deleted_at=None).order_by("pk"):
            delete_credential(credential)
    with transaction.atomic():
        # What an export that ended by itself meanwhile has left to send, with secrets that are gone.
        _give_up_unsent(team)
        audit_log.record_event(team, PORTAL, "deleted", f"team {team}")
        # Somebody else may use the address again.
        Team.objects.filter(pk=team.pk).update(slug=f"deleted-team-{team.pk}", deleted_at=clock.now())
    log.info("Team %s is deleted.", team.pk)
    return True


def _end_access(team: Team) -> None:
    """From here on nobody sees the team, nothing new is asked for, and nothing leaves the portal."""
    with transaction.atomic():
        for model in (Schedule, Webhook, Alert, Invitation, RetentionRule, Member):
            model._default_manager.filter(team=team).delete()
        _give_up_unsent(team)


def _give_up_unsent(team: Team) -> None:
    unsent = OutboxMessage.objects.filter(team=team, due_at__isnull=False)
    unsent.update(due_at=None, held_until=None, last_error=REASON)


def _cancel_open(team: Team, ends: float) -> bool:
    while exports := list(Export.objects.open().with_related().filter(team=team).order_by("pk")[:BATCH]):
        for export in exports:
            if time.monotonic() >= ends:
                return False
            try:
                cancel(export, actor=PORTAL, source="staff", reason=REASON)
            except ConflictError:
                continue  # It has just ended by itself.
    return True


def _delete_files(team: Team, ends: float) -> bool:
    kept = File.objects.filter(team=team, deleted_at=None).order_by("pk").values_list("pk", flat=True)
    while ids := list(kept[:BATCH]):
        if time.monotonic() >= ends:
            return False
        with transaction.atomic():
            deleted = mark_deleted(ids, REASON)
        remove_bytes(deleted)
    return True
