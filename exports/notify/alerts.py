"""Alerts of a team: its events to chat services, phones and members, by the events chosen."""

from contextlib import suppress
from datetime import datetime
from http.client import HTTPException
from itertools import islice
from typing import Final

from exports import languages
from exports.credentials.client import address_guard
from exports.crypto import CryptoError
from exports.models import Alert, Event, OutboxMessage
from exports.models.alert import MAIL, NO_DIGEST
from exports.notify import digests, figures, mails, texts
from exports.notify.alert_addresses import member_with_address
from exports.notify.alert_rules import TEST_KEY, new_message
from exports.notify.delivery import Answer, NotDeliveredError
from exports.notify.formatters import request_for
from exports.notify.mail_body import build_mail
from exports.notify.mail_errors import Meaning, explain
from exports.notify.notification import Notification
from exports.transport.client import CallRecord
from exports.transport.errors import AddressError, ProviderError
from exports.transport.open_url import StreamedResponse, open_url
from exports.transport.redact import redact
from exports.transport.responses import retry_after_seconds

ANSWER_SECONDS: Final = 15.0
MAX_ANSWER_BYTES: Final = 500
# The address leads to nothing any more: a channel was deleted, a webhook revoked.
GONE: Final = frozenset({404, 410})
# The service read the message and does not take it; the next one may be taken.
REFUSED: Final = frozenset({400, 413, 422})


def messages_of(event: Event) -> list[OutboxMessage]:
    """A message for each alert of the team that wants this event; not saved. Digests are made by `digests`.

    The team's alerts and members with their users are loaded: `event.team.alert_set.all()`.
    """
    alerts = [
        alert
        for alert in event.team.alert_set.all()
        if alert.enabled and alert.digest == NO_DIGEST and event.type in alert.events
    ]
    mailed = {user.email.lower() for user in mails.recipients(event)} if alerts else set()
    return [
        new_message(alert, key=event.type, event=event) for alert in alerts if not _is_mailed_already(alert, mailed)
    ]


def _is_mailed_already(alert: Alert, mailed: set[str]) -> bool:
    """Whether the alert's member gets the mail anyway, by their own choice: nobody gets the same mail twice."""
    if alert.kind != MAIL:
        return False
    with suppress(CryptoError):
        return alert.address().lower() in mailed
    return False


def send(message: OutboxMessage) -> Answer:
    """Sends a message to an alert's address. Raises NotDeliveredError."""
    alert = Alert.objects.select_related("team").get(outboxmessage=message.pk)
    if not alert.enabled and not message.key.startswith(TEST_KEY):
        raise NotDeliveredError("The alert is turned off.", final=True)
    try:
        address = alert.address()
    except CryptoError as error:
        raise NotDeliveredError(str(error)) from None
    return _mail(message, alert, address) if alert.kind == MAIL else _post(message, alert, address)


def _notification(message: OutboxMessage, alert: Alert, zone_name: str) -> Notification:
    """What the message says. Raises NotDeliveredError where nothing is left of a digest."""
    zone = figures.zone_named(zone_name)
    if message.event_id is not None:
        return texts.describe(mails.event_of(message), zone)
    if message.key.startswith(TEST_KEY):
        return texts.test_notification(alert.team)
    since, until = (datetime.fromisoformat(message.payload[name]) for name in ("since", "until"))
    notification = digests.digest_notification(alert, since, until, zone)
    if notification is None:
        raise NotDeliveredError("What it was about is deleted.", final=True)
    return notification


def _mail(message: OutboxMessage, alert: Alert, address: str) -> Answer:
    user = member_with_address(alert.team, address)
    if user is None or not user.email_confirmed:
        reason = "Its address is no member's any more." if user is None else "Its address is not confirmed."
        raise NotDeliveredError(reason, gone=True)
    path = f"/t/{alert.team.slug}/settings/alerts/"
    message_id = f"alert-{alert.pk}-{message.event_id or message.key}"
    with languages.reader_language(user):
        why = texts.why_alert(alert.team)
        mail = build_mail(_notification(message, alert, user.time_zone), user.email, message_id, why, path)
    try:
        mail.send()
    except Exception as error:
        problem = explain(error)
        raise NotDeliveredError(problem.text, final=problem.meaning is not Meaning.LATER) from None
    return Answer()


def _post(message: OutboxMessage, alert: Alert, address: str) -> Answer:
    with languages.team_language(alert.team):
        request = request_for(alert.kind, address, _notification(message, alert, alert.team.time_zone))
    secrets = [address, request.url]
    try:
        with open_url(
            request.url, address_guard(), {}, _record_nothing, method="POST", json=request.body, seconds=ANSWER_SECONDS
        ) as opened:
            answer = Answer(opened.status, redact(secrets, _beginning(opened)))
            pause = retry_after_seconds(opened.headers) if opened.status == 429 else 0.0
    except ProviderError as error:
        raise NotDeliveredError(redact(secrets, error.message), final=isinstance(error, AddressError)) from None
    if not 200 <= opened.status < 300:
        raise _refusal(answer, opened.status, pause)
    return answer


def _refusal(answer: Answer, status: int, pause: float) -> NotDeliveredError:
    said = f": {figures.plain(answer.text, 150)}" if answer.text.strip() else ""
    if status in GONE:
        text = f"The address leads nowhere any more; it answered {status}{said}"
        return NotDeliveredError(text, gone=True, answer=answer)
    if status in REFUSED:
        return NotDeliveredError(f"The message was refused with {status}{said}", final=True, answer=answer)
    return NotDeliveredError(f"The address answered {status}{said}", retry_after=pause, answer=answer)


def _beginning(opened: StreamedResponse) -> str:
    """The first of what was answered, as text; "" where it cannot be read."""
    with suppress(ProviderError, HTTPException, OSError):
        return b"".join(islice(opened.chunks(MAX_ANSWER_BYTES), 1))[:MAX_ANSWER_BYTES].decode(errors="replace")
    return ""


def _record_nothing(call: CallRecord) -> None:
    """Calls are recorded for exports; what an alert was answered is in its message."""
