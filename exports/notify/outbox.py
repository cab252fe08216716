"""Sends outbox messages: mail to the export's user, progress to the address the user named. Changes no export."""

import logging
from email.utils import make_msgid
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string

from exports import clock, states
from exports.credentials.client import address_guard, call_row
from exports.models import Call, Export, Member, OutboxMessage
from exports.models.outbox import MAIL
from exports.notify.mail_errors import Meaning, explain
from exports.portal_url import portal_url
from exports.queue import deliveries
from exports.storage import files
from exports.transport.client import CallRecord
from exports.transport.errors import AddressError, ProviderError
from exports.transport.open_url import open_url

log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = {MAIL: 40, "relay": 6}
# In a mail's payload: the mail server found it too large with its file.
WITHOUT_FILE: Final = "without_file"
# How long an address may take to accept a relayed message.
RELAY_SECONDS: Final = 15.0
ACTION_SENTENCES: Final = {
    "you": "It is your turn: mend what is named above, then retry.",
    "us": "It is the portal's turn: its staff must look after this.",
    "provider": "It is {provider}'s turn: retry later, or ask {provider}.",
    "none": "There is nothing to do.",
}


def deliver(message_id: int) -> bool:
    """Sends an outbox message that is reserved for this task. Returns whether it was sent."""
    message = deliveries.begin(message_id)
    return message is not None and _send(message)


def _send(outbox_message: OutboxMessage) -> bool:
    row = OutboxMessage.objects.filter(pk=outbox_message.pk, attempts=outbox_message.attempts)
    export = Export.objects.with_related().get(pk=outbox_message.export_id)
    if outbox_message.kind == MAIL and not _may_receive(export):
        reason = "The user is no longer in the team, or the address is not confirmed."
        row.update(due_at=None, held_until=None, last_error=reason)
        return False
    try:
        if outbox_message.kind == MAIL:
            _send_mail(export, outbox_message)
        else:
            send_relay(export, outbox_message.payload)
    except Exception as error:
        final = isinstance(error, AddressError)
        text = error.message if isinstance(error, ProviderError) else type(error).__name__
        if outbox_message.kind == MAIL:
            problem = explain(error)
            text, final = problem.text, problem.meaning is not Meaning.LATER
        given_up = final or outbox_message.attempts >= MAX_ATTEMPTS[outbox_message.kind]
        log.warning("Outbox message %s was not sent (%s)%s.", outbox_message.pk, text, "; given up" if given_up else "")
        seconds = clock.backoff(outbox_message.attempts - 1, base_seconds=5.0, max_seconds=3600.0)
        row.update(due_at=None if given_up else clock.seconds_from_now(seconds), held_until=None, last_error=text[:300])
    else:
        row.update(due_at=None, held_until=None, sent_at=clock.now(), last_error="")
        return True
    return False


def _send_mail(export: Export, outbox_message: OutboxMessage) -> None:
    """Sends the mail; once more without the file where the mail server finds it too large."""
    mail = build_mail(export, outbox_message)
    try:
        mail.send()
    except Exception as error:
        if not mail.attachments or explain(error).meaning is not Meaning.TOO_LARGE:
            raise
        # Noted first, so that a later attempt does not send the file again.
        outbox_message.payload = {**outbox_message.payload, WITHOUT_FILE: True}
        outbox_message.save(update_fields=["payload"])
        build_mail(export, outbox_message).send()


def _may_receive(export: Export) -> bool:
    """Whether the export's user is still in the team and has a confirmed address: the mail carries the file."""
    rows = Member.objects.filter(team=export.team_id, user=export.user_id)
    return rows.filter(user__is_active=True, user__email_confirmed=True).exists()


def build_mail(export: Export, outbox_message: OutboxMessage) -> EmailMessage:
    """The mail about the end of an export, with the file attached when it is small enough."""
    file = export.file
    small = file is not None and file.size <= settings.MAIL_ATTACHMENT_BYTES and files.path_of(file).exists()
    attach = small and WITHOUT_FILE not in outbox_message.payload
    context = {
        "export": export,
        "project": export.project,
        "kind": export.kind,
        "provider": export.project.provider,
        "attached": attach,
        "address": export_url(export),
        "turn": ACTION_SENTENCES.get(export.error_action, "").format(
            provider=export.project.credential.provider_definition.label
        ),
        "states": states,
    }
    subject = " ".join(render_to_string("mail/export_ended_subject.txt", context).split())
    message = EmailMessage(subject, render_to_string("mail/export_ended.txt", context), to=[export.user.email])
    # The same at each attempt, so that a mail sent twice is recognized as one (RFC 5322 §3.6.4).
    domain = make_msgid().rpartition("@")[2].rstrip(">") if not settings.PUBLIC_URL else settings.PUBLIC_HOST
    message.extra_headers = {"Message-ID": f"<export-{export.pk}-{outbox_message.key}@{domain or 'export-portal'}>"}
    if attach and file is not None:
        message.attach(file.name, files.path_of(file).read_bytes(), file.content_type.partition(";")[0])
    message.connection = get_connection()
    return message


def export_url(export: Export) -> str:
    """The address of the export's page, or "" when the portal does not know its own."""
    base = portal_url()
    return f"{base}/t/{export.team.slug}/exports/{export.pk}/" if base else ""


def send_relay(export: Export, payload: dict[str, Any]) -> None:
    """Sends progress to the address that the user named. Raises ProviderError."""
    address = export.options.get(export.kind.relay_option, "")
    calls: list[Call] = []

    def record(call: CallRecord) -> None:
        calls.append(call_row(call, export, None))

    body = {"export_id": export.pk, "project_id": export.project_id, "url": export_url(export) or None, **payload}
    try:
        with open_url(address, address_guard(), {}, record, method="POST", json=body, seconds=RELAY_SECONDS) as opened:
            if opened.status >= 300:
                raise ProviderError(f"The address answered {opened.status}.")
    finally:
        Call.objects.bulk_create(calls)
