"""Relays: progress of an export, sent to the address that its user named."""

from typing import Final

from exports.credentials.client import address_guard, call_row
from exports.models import Call, Export, OutboxMessage
from exports.notify.delivery import Answer, NotDeliveredError
from exports.notify.page_urls import export_url
from exports.transport.client import CallRecord
from exports.transport.errors import AddressError
from exports.transport.open_url import open_url

# How long an address may take to accept a relayed message.
RELAY_SECONDS: Final = 15.0


def send(message: OutboxMessage) -> Answer:
    """Sends the progress in the message. Raises NotDeliveredError, ProviderError."""
    export = Export.objects.with_related().get(outboxmessage=message.pk)
    address = export.options.get(export.kind.relay_option, "")
    calls: list[Call] = []

    def record(call: CallRecord) -> None:
        calls.append(call_row(call, export, None))

    body = {"export_id": export.pk, "project_id": export.project_id, "url": export_url(export) or None}
    body |= message.payload
    try:
        with open_url(
            address, address_guard(), {}, record, method="POST", json=body, seconds=RELAY_SECONDS, label="The address"
        ) as opened:
            answer = Answer(opened.status)
            if opened.status >= 300:
                raise NotDeliveredError(f"The address answered {opened.status}.", answer=answer)
            return answer
    except AddressError as error:
        raise NotDeliveredError(error.message, final=True) from None
    finally:
        Call.objects.bulk_create(calls)
