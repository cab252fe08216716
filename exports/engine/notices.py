"""Sending notices: mail to the export's user, messages to the address the user named. Never changes an export."""

import logging
from datetime import datetime
from email.utils import make_msgid
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import F
from django.template.loader import render_to_string

from exports import states
from exports.engine import clock, store
from exports.engine.connect import as_row, guard
from exports.models import Call, Export, Member, Notice
from exports.models.notice import MAIL
from exports.providers.errors import AddressError, ProviderError
from exports.providers.http import CallRecord
from exports.providers.links import open_link

log = logging.getLogger(__name__)

BATCH: Final = 20
HELD_SECONDS: Final = 900.0
MOST_ATTEMPTS: Final = {MAIL: 40, "relay": 6}
TURNS: Final = {
    "you": "It is your turn: mend what is named above, then retry.",
    "us": "It is the portal's turn: its staff must look after this.",
    "provider": "It is {provider}'s turn: retry later, or ask {provider}.",
    "none": "There is nothing to do.",
}


def send_due(kind: str = "") -> int:
    """Sends what is due (of one kind). Returns how many were sent."""
    due = Notice.objects.filter(due_at__lte=clock.now(), **({"kind": kind} if kind else {}))
    sent = 0
    for notice in due.order_by("due_at")[:BATCH]:
        # Compare-and-swap on the time: whoever pushes it forward sends it; if that one dies, it is due again.
        mine = Notice.objects.filter(pk=notice.pk, due_at=notice.due_at)
        until = clock.after(HELD_SECONDS)
        if mine.update(due_at=until, attempts=F("attempts") + 1):
            sent += _send(notice, until)
    return sent


def _send(notice: Notice, until: datetime) -> bool:
    row = Notice.objects.filter(pk=notice.pk, due_at=until)
    export = Export.objects.shown().get(pk=notice.export_id)
    if notice.kind == MAIL and not _may_know(export):
        row.update(due_at=None, trouble="The user is no longer in the team, or the address is not confirmed.")
        return False
    try:
        if notice.kind == MAIL:
            mail(export, notice).send()
        else:
            relay(export, notice.payload)
    except AddressError as error:
        row.update(due_at=None, trouble=error.message[:300])
    except Exception as error:
        text = error.message if isinstance(error, ProviderError) else type(error).__name__
        given_up = notice.attempts + 1 >= MOST_ATTEMPTS[notice.kind]
        log.warning("Notice %s was not sent (%s)%s.", notice.pk, text, "; given up" if given_up else "")
        seconds = clock.backoff(notice.attempts, first=5.0, most=3600.0)
        row.update(due_at=None if given_up else clock.after(seconds), trouble=text[:300])
    else:
        row.update(due_at=None, sent_at=clock.now(), trouble="")
        return True
    return False


def _may_know(export: Export) -> bool:
    """Whether the export's user may still see it, at an address known to be theirs: the mail carries the file."""
    rows = Member.objects.filter(team=export.team_id, user=export.user_id)
    return rows.filter(user__is_active=True, user__email_confirmed=True).exists()


def mail(export: Export, notice: Notice) -> EmailMessage:
    """The mail that tells how an export ended; with the file, when it is small enough."""
    file = export.file
    attach = file is not None and file.size <= settings.MAIL_ATTACHMENT_BYTES and store.path_of(file).exists()
    context = {
        "export": export,
        "project": export.project,
        "kind": export.kind,
        "provider": export.project.provider,
        "attached": attach,
        "address": page_address(export),
        "turn": TURNS.get(export.error_action, "").format(provider=export.project.credential.declared.label),
        "states": states,
    }
    subject = " ".join(render_to_string("mail/ended-subject.txt", context).split())
    message = EmailMessage(subject, render_to_string("mail/ended.txt", context), to=[export.user.email])
    # The same each time, so that a mail sent twice is known as one (RFC 5322 §3.6.4).
    domain = make_msgid().rpartition("@")[2].rstrip(">") if not settings.PUBLIC_URL else settings.PUBLIC_HOST
    message.extra_headers = {"Message-ID": f"<export-{export.pk}-{notice.key}@{domain or 'export-portal'}>"}
    if attach and file is not None:
        message.attach(file.name, store.path_of(file).read_bytes(), file.content_type.partition(";")[0])
    message.connection = get_connection()
    return message


def page_address(export: Export) -> str:
    """The address of the export's page, or "" when the portal does not know its own (PUBLIC_URL)."""
    return f"{settings.PUBLIC_URL}/t/{export.team.slug}/exports/{export.pk}/" if settings.PUBLIC_URL else ""


def relay(export: Export, payload: dict[str, Any]) -> None:
    """Tells the address that the user named of progress. Raises ProviderError."""
    address = export.options.get(export.kind.relay, "")
    calls: list[Call] = []

    def record(call: CallRecord) -> None:
        calls.append(as_row(call, export, None))

    body = {"export_id": export.pk, "project_id": export.project_id, "url": page_address(export) or None, **payload}
    try:
        with open_link(address, guard(), {}, record, method="POST", json=body, seconds=30) as opened:
            if opened.status >= 300:
                raise ProviderError(f"The address answered {opened.status}.")
    finally:
        Call.objects.bulk_create(calls)
