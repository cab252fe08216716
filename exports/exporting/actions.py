"""Canceling, retrying, adopting, and what staff may do to an open export."""

from exports import states
from exports.audit import log as audit_log
from exports.errors import ConflictError, InvalidError
from exports.exporting.create import ExportRequest, Requester, create_export
from exports.models import Export
from exports.providers.contract import is_valid_remote_id
from exports.queue import inbound_webhooks, wakeup


def cancel(export: Export, *, actor: str, source: str, reason: str = "") -> Export:
    """Stops following an open export. Raises ConflictError when it has ended."""
    while export.is_open:
        label = export.project.credential.provider_definition.label
        sent = export.remote_id or export.request_sent_at
        note = reason or (f"{label} may still finish its own job." if sent else f"{label} was not asked.")
        if export.move(states.CANCELED, source=source, actor=actor, note=note):
            if source in audit_log.AUDITED_SOURCES:
                audit_log.record_event(export.team_id, actor, "canceled", audit_log.describe_export(export), reason)
            return export
        export.refresh_from_db(fields=["status", "remote_id", "request_sent_at", "provider_status"])
    raise ConflictError(f"Export {export.pk} has ended already: {export.status}.")


def retry(export: Export, asker: Requester, *, allow_duplicate: bool = False) -> Export:
    """Asks for the same again, as a new export. Raises ConflictError while it is open, TwinError, InvalidError."""
    if export.is_open:
        raise ConflictError(f"Export {export.pk} is still open; cancel it first, or wait.")
    # Its effect was confirmed when it was first asked for.
    wish = ExportRequest(export.type, export.format, export.options, confirm=True, allow_duplicate=allow_duplicate)
    return create_export(export.project, wish, Requester(asker.user, asker.source, "retry"), retry_of=export)


def adopt(export: Export, remote_id: str, asker: Requester) -> Export:
    """Watches a job that runs at the provider already, as a new export. Raises InvalidError, ConflictError."""
    if not is_valid_remote_id(remote_id):
        raise InvalidError({"remote_id": ["The job's id has 1 to 200 characters, without / ? #."]})
    if export.is_open:
        raise ConflictError(f"Export {export.pk} is still open; cancel it first, or wait.")
    wish = ExportRequest(export.type, export.format, export.options, confirm=True, adopt=remote_id)
    return create_export(export.project, wish, Requester(asker.user, asker.source, "adopt"), retry_of=export)


def redrive(export: Export) -> None:
    """Has the next step of an open export taken now. Raises ConflictError when it has ended."""
    if not inbound_webhooks.request_wake(export.pk):
        raise ConflictError(f"Export {export.pk} has ended already.")
    wakeup.wake_after_commit()


def write_off(export: Export, *, actor: str, reason: str) -> Export:
    """Staff cancel an open export with a reason. Raises InvalidError without one, ConflictError when it has ended."""
    if not reason.strip():
        raise InvalidError({"reason": ["Say why."]})
    return cancel(export, actor=actor, source="staff", reason=reason.strip())
