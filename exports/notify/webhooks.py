"""Webhooks of a team: its events, sent to an address of its own as Standard Webhooks."""

import json
import re
from contextlib import suppress
from http.client import HTTPException
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

from exports import clock
from exports.credentials.client import address_guard
from exports.crypto import CryptoError
from exports.models import Event, OutboxMessage, Webhook
from exports.models.outbox import WEBHOOK, host_of, recipient_key
from exports.notify.delivery import Answer, NotDeliveredError
from exports.notify.webhook_bodies import body_of
from exports.notify.webhook_signing import new_message_id, signature_headers
from exports.transport.client import CallRecord
from exports.transport.errors import ProviderError
from exports.transport.open_url import StreamedResponse, open_url
from exports.transport.redact import redact
from exports.transport.responses import retry_after_seconds

# How long an address may take to answer; a public contract.
ANSWER_SECONDS: Final = 15.0
MAX_ANSWER_BYTES: Final = 2000
MAX_ANSWER_CHARACTERS: Final = 500
MIN_SECRET_LENGTH: Final = 12
# The receiver wants no more messages at all.
GONE: Final = 410
# The receiver wants to be left alone for a while (RFC 9110, RFC 6585).
PAUSE_STATUSES: Final = frozenset({429, 503})


def messages_of(event: Event) -> list[OutboxMessage]:
    """A message for each webhook of the team that wants this event; not saved.

    The team's webhooks are loaded: `event.team.webhook_set.all()`.
    """
    webhooks = [webhook for webhook in event.team.webhook_set.all() if webhook.enabled and event.type in webhook.events]
    if not webhooks:
        return []
    body = body_of(event)
    return [new_message(webhook, body, event) for webhook in webhooks]


def new_message(webhook: Webhook, body: dict[str, Any], event: Event | None = None) -> OutboxMessage:
    """A message to the webhook's address that is due now; not saved. Its key is the id that the receiver sees."""
    return OutboxMessage(
        team_id=webhook.team_id,
        export_id=event.export_id if event else None,
        event=event,
        webhook=webhook,
        kind=WEBHOOK,
        key=new_message_id(),
        payload=body,
        due_at=clock.now(),
        recipient=recipient_key(webhook.url),
        host=host_of(webhook.url),
    )


def send(message: OutboxMessage) -> Answer:
    """Sends a message to its webhook's address. Raises NotDeliveredError."""
    webhook = Webhook.objects.get(outboxmessage=message.pk)
    if not webhook.enabled and message.event_id is not None:
        raise NotDeliveredError("The webhook is turned off.", final=True)
    try:
        keys = webhook.secrets()
    except CryptoError as error:
        raise NotDeliveredError(str(error)) from None
    # The same bytes at each attempt: they are what the database returns for the one row.
    body = json.dumps(message.payload, allow_nan=False, separators=(",", ":")).encode()
    headers = signature_headers(keys, message.key, int(clock.now().timestamp()), body)
    return _post(webhook.url, headers, body, [*_secrets_in(webhook.url), *keys])


def _post(url: str, headers: dict[str, str], body: bytes, secrets: list[str]) -> Answer:
    """Sends one attempt. `secrets`: what no answer and no error may show. Raises NotDeliveredError."""
    try:
        with open_url(
            url,
            address_guard(),
            headers,
            _record_nothing,
            method="POST",
            body=body,
            seconds=ANSWER_SECONDS,
            follow_redirects=False,
            label="The address",
        ) as opened:
            answer = Answer(opened.status, redact(secrets, _beginning(opened))[:MAX_ANSWER_CHARACTERS])
            pause = retry_after_seconds(opened.headers) if _asks_for_pause(opened) else 0.0
    except ProviderError as error:
        raise NotDeliveredError(redact(secrets, error.message)) from None
    if 200 <= opened.status < 300:
        return answer
    text = f"The address answered {opened.status}."
    if 300 <= opened.status < 400:
        text = f"The address answered {opened.status}, a redirect, which the portal does not follow."
    elif opened.status == GONE:
        text = "The address answered 410: it wants no more messages."
    raise NotDeliveredError(text, gone=opened.status == GONE, retry_after=pause, answer=answer)


def _secrets_in(url: str) -> list[str]:
    """The parts of the address that may be secrets: long ones behind the host."""
    parts = urlsplit(url)
    return [part for part in re.split(r"[/?&=]", f"{parts.path}?{parts.query}") if len(part) >= MIN_SECRET_LENGTH]


def _asks_for_pause(opened: StreamedResponse) -> bool:
    return opened.status in PAUSE_STATUSES and bool(opened.headers.get("Retry-After"))


def _beginning(opened: StreamedResponse) -> str:
    """The first of what was answered, as text; "" where it cannot be read. The status says whether it was taken."""
    with suppress(ProviderError, HTTPException, OSError):
        return b"".join(islice(opened.chunks(MAX_ANSWER_BYTES), 1)).decode(errors="replace")
    return ""


def _record_nothing(call: CallRecord) -> None:
    """Calls are recorded for exports; what a webhook was answered is in its message."""
