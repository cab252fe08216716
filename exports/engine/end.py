"""Canceling, retrying, adopting, and what staff may do to an open export."""

from exports import states
from exports.engine import audit, hooks, wake
from exports.engine.problem import ConflictError, InvalidError
from exports.engine.request import Asker, Wish, is_remote_id, request
from exports.models import Export


def cancel(export: Export, *, actor: str, source: str, reason: str = "") -> Export:
    """Stops following an open export. Raises ConflictError when it has ended."""
    while export.is_open:
        label = export.project.credential.declared.label
        sent = export.remote_id or export.asked_at
        note = reason or (f"{label} may still finish its own job." if sent else f"{label} was not asked.")
        if export.move(states.CANCELED, source=source, actor=actor, note=note):
            if source in audit.PEOPLE:
                audit.note(export.team_id, actor, "canceled", audit.export_called(export), reason)
            return export
        export.refresh_from_db(fields=["status", "remote_id", "asked_at", "provider_status"])
    raise ConflictError(f"Export {export.pk} has ended already: {export.status}.")


def retry(export: Export, asker: Asker, *, allow_twin: bool = False) -> Export:
    """Asks for the same again, as a new export. Raises ConflictError while it is open, TwinError, InvalidError."""
    if export.is_open:
        raise ConflictError(f"Export {export.pk} is still open; cancel it first, or wait.")
    # Its effect was confirmed when it was first asked for.
    wish = Wish(export.type, export.format, export.options, confirm=True, allow_twin=allow_twin)
    return request(export.project, wish, Asker(asker.user, asker.source, "retry"), retry_of=export)


def adopt(export: Export, remote_id: str, asker: Asker) -> Export:
    """Watches a job that runs at the provider already, as a new export. Raises InvalidError, ConflictError."""
    if not is_remote_id(remote_id):
        raise InvalidError({"remote_id": ["The job's id has 1 to 200 characters, without / ? #."]})
    if export.is_open:
        raise ConflictError(f"Export {export.pk} is still open; cancel it first, or wait.")
    wish = Wish(export.type, export.format, export.options, confirm=True, adopt=remote_id)
    return request(export.project, wish, Asker(asker.user, asker.source, "adopt"), retry_of=export)


def redrive(export: Export) -> None:
    """Has the next step of an open export taken now. Raises ConflictError when it has ended."""
    if not hooks.nudge(export.pk):
        raise ConflictError(f"Export {export.pk} has ended already.")
    wake.soon()


def write_off(export: Export, *, actor: str, reason: str) -> Export:
    """Staff cancel an open export with a reason. Raises InvalidError without one, ConflictError when it has ended."""
    if not reason.strip():
        raise InvalidError({"reason": ["Say why."]})
    return cancel(export, actor=actor, source="staff", reason=reason.strip())
