"""Mails the operators about incidents of the portal: one mail when they begin, one when they are over.

Whoever calls this sends the mail itself. Nothing goes through `portal.deliver`, which may be what nobody reads.
"""

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import Q, QuerySet

from exports import clock
from exports.metrics.incidents import OVER_AFTER
from exports.models import Incident
from exports.notify.mail_errors import explain
from exports.portal_url import portal_url

log = logging.getLogger(__name__)

# A restart is no incident. One that comes again and again within a day must last twice as long each time.
GRACE: Final = timedelta(seconds=60)
MAX_GRACE_DOUBLINGS: Final = 6
MAIL_SECONDS: Final = 10
# While a process sends a mail, others do not; it is tried again after that if it was not sent.
LEASE: Final = timedelta(minutes=2)


def mail_operators() -> int:
    """Sends what the operators do not know yet, in at most two mails. Returns how many were sent.

    A process that dies between sending and writing it down sends the mail again, with the same Message-ID. Raises
    nothing for a mail that is not taken: it is tried again.
    """
    if not settings.OPERATORS:
        return 0
    now = clock.now()
    begun = [
        incident
        for incident in _waiting(now, notified_at=None, seen_at__gte=now - OVER_AFTER)
        if _lasts_long_enough(incident)
    ]
    over = list(_waiting(now, notified_at__isnull=False, end_notified_at=None, seen_at__lt=now - OVER_AFTER))
    return _notify(begun, "notified_at", over=False) + _notify(over, "end_notified_at", over=True)


def _waiting(now: datetime, **state: object) -> QuerySet[Incident]:
    free = Q(held_until=None) | Q(held_until__lte=now)
    return Incident.objects.filter(free, **state).order_by("since", "pk")


def _lasts_long_enough(incident: Incident) -> bool:
    """Whether it has lasted long enough."""
    doublings = min(incident.times - 1, MAX_GRACE_DOUBLINGS)
    needed: timedelta = GRACE * 2**doublings
    return incident.seen_at - incident.since >= needed


def _notify(incidents: Sequence[Incident], column: str, *, over: bool) -> int:
    """Claims the incidents, sends one mail about those that no other process has, and writes that it was sent."""
    until = clock.now() + LEASE
    mine = [
        incident
        for incident in incidents
        if Incident.objects.filter(pk=incident.pk, held_until=incident.held_until, **{column: None}).update(
            held_until=until
        )
    ]
    if not mine:
        return 0
    try:
        _mail(mine, over=over).send()
    except Exception as error:
        log.warning("The operators could not be told of incidents (%s); it is tried again.", explain(error).text)
        return 0
    rows = Incident.objects.filter(pk__in=[incident.pk for incident in mine], held_until=until)
    rows.update(**{column: clock.now()}, held_until=None)
    return 1


def _mail(incidents: Sequence[Incident], *, over: bool) -> EmailMessage:
    lines = [f"- {incident.detail} (since {incident.since:%Y-%m-%d %H:%M} UTC)" for incident in incidents]
    address = portal_url()
    if over:
        subject = "Export Portal: over again"
        text = "This is over:"
        advice = "What had to wait goes on by itself."
    else:
        subject = "Export Portal: it does not do its work"
        text = "The portal cannot do all of its work:"
        advice = (
            f"{settings.PORTAL_COMMAND} doctor says what to do. Nothing is lost: what is due waits."
            " A mail follows when it is over."
        )
    keys = " ".join(f"{incident.key} {incident.since.timestamp():.0f}" for incident in incidents)
    mark = hashlib.sha256(f"{over} {keys}".encode()).hexdigest()[:24]
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    is_smtp = settings.EMAIL_BACKEND.endswith("smtp.EmailBackend")
    return EmailMessage(
        subject=subject,
        body="\n".join([text, "", *lines, "", advice, *([address] if address else [])]) + "\n",
        to=list(settings.OPERATORS),
        headers={"Message-ID": f"<incident-{mark}@{host}>"},
        connection=get_connection(timeout=MAIL_SECONDS) if is_smtp else get_connection(),
    )
