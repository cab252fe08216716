"""Cancel, retry, adopt, re-drive and write off one export, and the policy that says what may be retried."""

from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction

from exports.audit import log as audit_log
from exports.errors import ConflictError, InvalidError
from exports.exporting.create import ExportRequest, Requester, create_export
from exports.models import Export
from exports.providers.contract import is_valid_remote_id
from exports.providers.registry import NotInstalledError
from exports.queue import inbound_webhooks, wakeup
from exports.settle.outcome import cancel_by_request


class RetryRefusal(StrEnum):
    """Why an export may not be retried."""

    OPEN = "open"
    UNKNOWN_KIND = "unknown kind"
    NEEDS_CONFIRMATION = "needs confirmation"
    ALREADY_RETRIED = "already retried"
    ARCHIVED = "archived"


@dataclass(frozen=True)
class RetryDecision:
    """The answer of `may_retry`; true when the export may be retried.

    `needs_confirmation`: the kind changes something at the provider, so a page asks the person to confirm each retry.
    """

    refusal: RetryRefusal | None = None
    needs_confirmation: bool = False

    def __bool__(self) -> bool:
        return self.refusal is None


def may_retry(export: Export, *, in_bulk: bool = False, retry_pk: int | None = None) -> RetryDecision:
    """Decides whether an export may be retried. Pages, list rows, bulk actions and the API all ask this function.

    An open export, one whose provider or kind is not installed, and those of archived projects are not. In
    bulk, where nobody confirms or looks at single exports, kinds that change something at the provider and exports that
    have a retry already (`retry_pk`) are refused too. Makes no query when the project and its credential are loaded.
    """
    if export.is_open:
        return RetryDecision(RetryRefusal.OPEN)
    try:
        changes = export.kind.effect == "changes"
    except NotInstalledError:
        return RetryDecision(RetryRefusal.UNKNOWN_KIND)
    if export.project.is_archived:
        return RetryDecision(RetryRefusal.ARCHIVED)
    if in_bulk and changes:
        return RetryDecision(RetryRefusal.NEEDS_CONFIRMATION, needs_confirmation=True)
    if in_bulk and retry_pk is not None:
        return RetryDecision(RetryRefusal.ALREADY_RETRIED)
    return RetryDecision(needs_confirmation=changes)


def note_on_cancel(export: Export) -> str:
    """Returns what becomes of the job at the provider when the export is canceled now, a sentence."""
    credential = export.project.credential
    if not credential.has_provider:
        return f"{credential.provider} is not installed; a job there may still finish."
    provider = credential.provider_definition
    if export.remote_id or export.may_be_executed:
        return provider.cancel_note
    return f"Nothing was requested at {provider.label}."


def cancel(export: Export, *, actor: str, source: str, reason: str = "") -> Export:
    """Cancels an open export; the provider's own job may go on. Raises ConflictError when the export has ended."""
    while export.is_open:
        note = reason or note_on_cancel(export)
        if cancel_by_request(export, source=source, actor=actor, note=note):
            if source in audit_log.AUDITED_SOURCES:
                audit_log.record_event(export.team_id, actor, "canceled", audit_log.describe_export(export), reason)
            return export
        export.refresh_from_db(fields=["status", "remote_id", "request_sent_at", "may_ask_again", "provider_status"])
    raise ConflictError(f"Export {export.pk} has ended already: {export.status}.")


def retry(export: Export, requester: Requester, *, allow_duplicate: bool = False) -> Export:
    """Creates an export with the same type, format and options.

    Raises ConflictError while the export is open, DuplicateError, and InvalidError when its options or its kind are no
    longer valid.
    """
    # `create_export` refuses an unknown kind itself, and names the kinds there are.
    if may_retry(export).refusal is RetryRefusal.OPEN:
        raise ConflictError(f"Export {export.pk} is still open; cancel it first, or wait.")
    # Pages have asked for a confirmation by now; for the API the confirmation of the first request counts.
    request = ExportRequest(export.type, export.format, export.options, confirm=True, allow_duplicate=allow_duplicate)
    return create_export(export.project, request, Requester(requester.user, requester.source, "retry"), export)


def adopt(export: Export, remote_id: str, requester: Requester) -> Export:
    """Creates an export that follows a job which already runs at the provider; nothing is submitted.

    Raises InvalidError for a malformed job id, ConflictError while the export is open, DuplicateError.
    """
    if not is_valid_remote_id(remote_id):
        raise InvalidError({"remote_id": ["The job's id has 1 to 200 characters, without / ? #."]})
    if export.is_open:
        raise ConflictError(f"Export {export.pk} is still open; cancel it first, or wait.")
    request = ExportRequest(export.type, export.format, export.options, confirm=True, adopt=remote_id)
    return create_export(export.project, request, Requester(requester.user, requester.source, "adopt"), export)


def redrive(export: Export, *, actor: str) -> None:
    """Makes the next step of an open export due now, for the portal's staff. Raises ConflictError when it has ended."""
    with transaction.atomic():
        if not inbound_webhooks.request_wake(export.pk):
            raise ConflictError(f"Export {export.pk} has ended already.")
        audit_log.record_event(export.team_id, actor, "re-drove", audit_log.describe_export(export))
        wakeup.wake_after_commit()


def write_off(export: Export, *, actor: str, reason: str) -> Export:
    """Cancels an open export for the portal's staff.

    Raises InvalidError without a reason, ConflictError when the export has ended.
    """
    if not reason.strip():
        raise InvalidError({"reason": ["Say why."]})
    return cancel(export, actor=actor, source="staff", reason=reason.strip())
