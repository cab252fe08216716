"""The outbox: mails, relayed messages and cleanups, written in the transaction of the change and sent after it."""

import hashlib
from typing import ClassVar
from urllib.parse import urlsplit

from django.db import models
from django.db.models import Q

from exports.models.alert import Alert, Webhook
from exports.models.event import Event
from exports.models.export import Export
from exports.models.team import Team, User

MAIL, RELAY, ALERT, WEBHOOK, CLEANUP = "mail", "relay", "alert", "webhook", "cleanup"
KINDS = (MAIL, RELAY, ALERT, WEBHOOK, CLEANUP)
# A public contract.
WAITING, SENT, FAILED = "waiting", "sent", "failed"


def recipient_key(address: str) -> str:
    """A hash that identifies a recipient without storing the address, which may be a secret."""
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()[:32]


def host_of(address: str) -> str:
    """The host of a URL; "mail" for a mail address, "unreadable" for neither."""
    try:
        return (urlsplit(address).hostname or "mail")[:200]
    except ValueError:
        return "unreadable"


class OutboxMessage(models.Model):
    """A mail to a person, a message to an address that the user entered (a relay), to an alert's or to a webhook's.

    Or a cleanup: the export's provider is to remove what the job left there, now that its file is kept.

    `team` is None in what the version before wrote beside this one during an upgrade: it is the export's.
    `event` is what it tells, None for a relay, a cleanup and a test. `user` is whom a mail is for; None in mails that
    the portal wrote before it had events, which are for the export's user. `payload` of a webhook is its body.
    `answer_status` is the last HTTP status.

    Sent at least once: a process may die between sending and recording it, so each attempt of a mail has the same
    Message-ID. `due_at` is None after it was sent or given up (`last_error` says why). `held_until` and `reserved` are
    a lease, as on Export; `attempts` is its fencing token.
    """

    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE)
    export = models.ForeignKey(Export, null=True, on_delete=models.CASCADE)
    event = models.ForeignKey(Event, null=True, on_delete=models.CASCADE)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE)
    alert = models.ForeignKey(Alert, null=True, on_delete=models.CASCADE)
    webhook = models.ForeignKey(Webhook, null=True, on_delete=models.CASCADE)
    kind = models.CharField(max_length=10, choices=[(word, word) for word in KINDS])
    key = models.CharField(max_length=60, help_text="One notice for each key of an export.")
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    recipient = models.CharField(max_length=32, default="", editable=False)
    host = models.CharField(max_length=200, default="", editable=False)
    held_until = models.DateTimeField(null=True, editable=False)
    reserved = models.BooleanField(default=False, editable=False)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    answer_status = models.PositiveSmallIntegerField(null=True)
    answer = models.CharField(
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text="The beginning of the answer, without secrets.",
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["export", "kind", "key"], condition=Q(event=None), name="notice_once"),
            models.UniqueConstraint(fields=["event", "user"], condition=Q(kind=MAIL), name="mail_once_an_event"),
            models.UniqueConstraint(fields=["event", "alert"], condition=Q(kind=ALERT), name="alert_once_an_event"),
            models.UniqueConstraint(
                fields=["event", "webhook"], condition=Q(kind=WEBHOOK), name="webhook_once_an_event"
            ),
            models.CheckConstraint(condition=Q(kind__in=KINDS), name="notice_kind_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="notice_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["webhook", "-id"], name="delivery_of_webhook", condition=Q(webhook__isnull=False)),
            models.Index(
                fields=["-id"], name="notice_given_up", condition=Q(due_at__isnull=True, sent_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}" + (f" of export {self.export_id}" if self.export_id else "")

    @property
    def state(self) -> str:
        """WAITING for its next attempt or in one, SENT, or FAILED: no attempt follows."""
        return WAITING if self.due_at is not None else SENT if self.sent_at is not None else FAILED
