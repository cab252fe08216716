"""Cleanups: the provider removes what a job left there, after the export's file is kept.

A cleanup waits in the outbox since the transaction in which its export succeeded, so no death of a process loses it. It
changes nothing about the export: how it ended is a row in the history.
"""

from exports.credentials.client import job_fields, open_client, retry_with_fresh_token
from exports.crypto import CryptoError
from exports.models import Export, OutboxMessage
from exports.notify.delivery import Answer, NotDeliveredError
from exports.providers.contract import Job
from exports.queue import rate_limits
from exports.settle.outcome import record_note
from exports.transport.errors import AddressError, BusyError, NotFoundError, RefusedError


def send(message: OutboxMessage) -> Answer:
    """Has the provider cleaned up. What is gone there already counts as removed.

    Raises NotDeliveredError, ProviderError.
    """
    export = Export.objects.with_related().get(outboxmessage=message.pk)
    credential = export.project.credential
    provider = credential.provider_definition
    try:
        with open_client(credential, export) as client:
            try:
                job = Job(**job_fields(export))
                retry_with_fresh_token(client, lambda: provider.clean_up(client, job))
            finally:
                rate_limits.count_unadmitted_calls(credential, client.call_count)
    except NotFoundError:
        pass
    except BusyError as error:
        raise NotDeliveredError(error.message, retry_after=error.seconds) from None
    except AddressError as error:
        raise NotDeliveredError(error.message, final=True) from None
    except RefusedError as error:
        raise NotDeliveredError(error.message, final=error.final) from None
    except CryptoError as error:
        raise NotDeliveredError(str(error), final=True) from None
    record_note(export, f"{provider.label} has removed what the job left there.", source="worker")
    return Answer()


def record_given_up(message: OutboxMessage, reason: str) -> None:
    """Says in the history that what the job left at the provider stays there."""
    export = Export.objects.with_related().get(outboxmessage=message.pk)
    label = export.project.credential.provider_definition.label
    text = f"{label} could not be cleaned up: {reason} The file is kept here all the same; remove the rest there."
    record_note(export, text[:1000], source="worker")
