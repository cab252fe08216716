"""Plans the cleanup at the provider, in the transaction in which the export's file is kept."""

from exports import clock
from exports.models import Export, OutboxMessage
from exports.models.outbox import CLEANUP, host_of, recipient_key


def queue_cleanup(export: Export) -> None:
    """Queues the cleanup of an export that has just succeeded. One credential's cleanups run one after the other."""
    credential = export.project.credential
    OutboxMessage.objects.get_or_create(
        export=export,
        kind=CLEANUP,
        key=CLEANUP,
        event=None,
        defaults={
            "team_id": export.team_id,
            "due_at": clock.now(),
            "recipient": recipient_key(f"credential {credential.pk}"),
            "host": host_of(credential.origin_url),
        },
    )
