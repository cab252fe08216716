"""Protects every project that a provider lists for a credential, now and later."""

from dataclasses import asdict
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from exports import access
from exports.audit import log as audit_log
from exports.credentials.service import describe_credential
from exports.errors import InvalidError
from exports.exporting import protection
from exports.exporting.protection import ProtectionRequest, ProtectionResult
from exports.models import AutoProtection, Credential, Project, RemoteProject, User

# In one run, each of which has a minute; the next run goes on.
MAX_A_RUN: Final = 100


def protect_all(credential: Credential, request: ProtectionRequest, user: User) -> AutoProtection:
    """Has all listed projects protected, and those that are listed later too, on behalf of the user.

    A worker does it, some every minute. What somebody archived stays archived. Raises InvalidError.
    """
    with transaction.atomic():
        protection.check_request(credential, request)
        row, _ = AutoProtection.objects.update_or_create(
            credential=credential, defaults={**asdict(request), "owner": user, "disabled_reason": ""}
        )
        audit_log.record_event(
            credential.team_id,
            user,
            "protected all",
            describe_credential(credential),
            f"{request.type}, {request.cron}",
        )
    return row


def stop(credential: Credential, user: User) -> None:
    """Stops protecting new projects; those that are protected stay so."""
    with transaction.atomic():
        if AutoProtection.objects.filter(credential=credential).delete()[0]:
            audit_log.record_event(credential.team_id, user, "stopped protecting", describe_credential(credential))


def protect_listed(row: AutoProtection) -> ProtectionResult | None:
    """Protects listed projects that are not here, at most MAX_A_RUN.

    None while paused or without its provider, or when it was stopped.

    It stops, and says why, when its owner may not export any more, and when its schedule is not valid any more.
    """
    credential = row.credential
    if credential.paused_at is not None or credential.team.paused_at is not None or not credential.has_provider:
        return None
    if not access.may_own_schedules(credential.team, row.owner):
        _disable(row, f"{row.owner.display_name} may not export for the team any more.")
        return None
    ids = list(unprotected(credential).order_by("pk").values_list("remote_id", flat=True)[:MAX_A_RUN])
    if not ids:
        return None
    try:
        result = protection.protect(credential, ids, request_of(row), row.owner)
    except InvalidError as error:
        _disable(row, str(error))
        return None
    if not result.protected:
        # The next run would fail in the same way, and no other project would have its turn.
        _disable(row, next(iter(result.skipped.values())))
    return result


def unprotected(credential: Credential) -> QuerySet[RemoteProject]:
    """What is listed and was never here; what somebody archived was."""
    here = Project.objects.filter(credential=OuterRef("credential"), remote_id=OuterRef("remote_id"))
    return RemoteProject.objects.filter(~Exists(here), credential=credential, gone_at=None)


def request_of(row: AutoProtection) -> ProtectionRequest:
    """How it protects each project."""
    return ProtectionRequest(
        type=row.type,
        format=row.format,
        options=row.options,
        cron=row.cron,
        time_zone=row.time_zone,
        spread_minutes=row.spread_minutes,
        fresh_within_hours=row.fresh_within_hours,
    )


def _disable(row: AutoProtection, reason: str) -> None:
    row.disabled_reason = reason[:300]
    row.save(update_fields=["disabled_reason"])
