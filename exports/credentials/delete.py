"""Deleting a credential. Its secrets are gone for good; the history of what was exported with it stays."""

from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from exports import clock
from exports.audit import log as audit_log
from exports.credentials.service import describe_credential
from exports.errors import ConflictError
from exports.models import AutoProtection, Credential, Export, Project, RateLimitPause, RateWindow, RemoteProject, User

MAX_NAMED: Final = 5


def delete_credential(credential: Credential, user: User | None = None) -> None:
    """Deletes a credential, with its archived projects of which nothing was exported. Raises ConflictError.

    The error names live projects that use it. Where archived projects have exports, their history needs the row: it
    stays, without secrets, and is shown nowhere else.
    """
    with transaction.atomic():
        # A project that is added at the same time waits for this lock, and then fails for want of the credential.
        row = Credential.objects.select_for_update().get(pk=credential.pk)
        _refuse_if_used(row)
        description = describe_credential(row)
        never_exported = ~Exists(Export.objects.filter(project=OuterRef("pk")))
        Project.objects.filter(never_exported, credential=row).delete()
        if row.project_set.exists():
            _delete_all_but_row(row)
        else:
            row.delete()
        audit_log.record_event(credential.team_id, user, "deleted", description)


def _refuse_if_used(row: Credential) -> None:
    live = row.project_set.filter(archived_at=None).order_by("name", "pk")
    names = [f"{project}" for project in live[:MAX_NAMED]]
    if names:
        count = live.count()
        more = f" and {count - len(names)} more" if count > len(names) else ""
        used_by = f"{', '.join(names)}{more}"
        if count == 1:
            raise ConflictError(f"In use by the project {used_by}. Archive it first, then delete the credential.")
        raise ConflictError(f"In use by the projects {used_by}. Archive them first, then delete the credential.")


def _delete_all_but_row(row: Credential) -> None:
    for model in (AutoProtection, RateLimitPause, RateWindow, RemoteProject):
        model.objects.filter(credential=row).delete()
    row.encrypted_secrets, row.encrypted_grant, row.last_error, row.refused_notified_at = {}, "", "", None
    row.deleted_at = clock.now()
    # The team may use the name again.
    row.name = f"{row.name[:70]} (deleted, {row.pk})"
    row.save()
