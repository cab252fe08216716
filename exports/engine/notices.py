"""Sending notices: mail to the export's user, messages to the address the user named. Never changes an export."""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from email.utils import make_msgid
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import F, Q, QuerySet
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

EACH_HOST: Final = 4
WINDOW: Final = 100
HELD_SECONDS: Final = 10.0
MOST_ATTEMPTS: Final = {MAIL: 40, "relay": 6}
TURNS: Final = {
    "you": "It is your turn: mend what is named above, then retry.",
    "us": "It is the portal's turn: its staff must look after this.",
    "provider": "It is {provider}'s turn: retry later, or ask {provider}.",
    "none": "There is nothing to do.",
}


def _due(now: datetime) -> QuerySet[Notice]:
    idle = Q(held_until__isnull=True) | Q(held_until__lte=now)
    return Notice.objects.filter(idle, due_at__lte=now).order_by("due_at")


def any_due() -> bool:
    """Whether anything waits to be sent."""
    return _due(clock.now()).exists()


def reserve(limit: int) -> list[int]:
    """Claims up to `limit` notices for messages that are about to be published. Returns their ids.

    Never two at once to one recipient, and at most EACH_HOST to one host: an address that never answers holds up
    nobody else's. Call it in a transaction that no other dispatcher shares.
    """
    now = clock.now()
    busy = Notice.objects.filter(held_until__gt=now, due_at__isnull=False).values_list("recipient", "host")
    recipients = {row[0] for row in busy}
    hosts = Counter(row[1] for row in busy)
    chosen: list[int] = []
    while len(chosen) < limit:
        full = [host for host, number in hosts.items() if number >= EACH_HOST]
        rows = _due(now).exclude(pk__in=chosen).exclude(host__in=full).exclude(recipient__in=recipients)
        added = 0
        for pk, recipient, host in rows.values_list("pk", "recipient", "host")[:WINDOW]:
            if len(chosen) < limit and recipient not in recipients and hosts[host] < EACH_HOST:
                chosen.append(pk)
                recipients.add(recipient)
                hosts[host] += 1
                added += 1
        if not added:
            break
    Notice.objects.filter(pk__in=chosen).update(held_until=clock.after(HELD_SECONDS), reserved=True)
    return chosen


def release_reserved(ids: Sequence[int]) -> None:
    """Gives back what no message was published for."""
    if ids:
        Notice.objects.filter(pk__in=ids, reserved=True).update(held_until=None, reserved=False)


def renew(ids: Sequence[int]) -> None:
    """Keeps the leases of notices that are being sent."""
    rows = Notice.objects.filter(pk__in=ids, reserved=False, held_until__isnull=False)
    rows.update(held_until=clock.after(HELD_SECONDS))


def deliver(notice_id: int) -> bool:
    """Sends the notice that a message was published for. Returns whether it was sent."""
    now = clock.now()
    mine = Notice.objects.filter(pk=notice_id, reserved=True, held_until__gt=now, due_at__isnull=False)
    # What is reserved no longer was sent by a second copy of the message, or its time in the queue ran out.
    if not mine.update(reserved=False, held_until=clock.after(HELD_SECONDS), attempts=F("attempts") + 1):
        return False
    return _send(Notice.objects.get(pk=notice_id))


def _send(notice: Notice) -> bool:
    row = Notice.objects.filter(pk=notice.pk, attempts=notice.attempts)
    export = Export.objects.shown().get(pk=notice.export_id)
    if notice.kind == MAIL and not _may_know(export):
        why = "The user is no longer in the team, or the address is not confirmed."
        row.update(due_at=None, held_until=None, trouble=why)
        return False
    try:
        if notice.kind == MAIL:
            mail(export, notice).send()
        else:
            relay(export, notice.payload)
    except AddressError as error:
        row.update(due_at=None, held_until=None, trouble=error.message[:300])
    except Exception as error:
        text = error.message if isinstance(error, ProviderError) else type(error).__name__
        given_up = notice.attempts >= MOST_ATTEMPTS[notice.kind]
        log.warning("Notice %s was not sent (%s)%s.", notice.pk, text, "; given up" if given_up else "")
        seconds = clock.backoff(notice.attempts - 1, first=5.0, most=3600.0)
        row.update(due_at=None if given_up else clock.after(seconds), held_until=None, trouble=text[:300])
    else:
        row.update(due_at=None, held_until=None, sent_at=clock.now(), trouble="")
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
