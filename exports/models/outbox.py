"""The outbox: mails and relayed messages, written in the transaction of the change and sent after it."""

import hashlib
from typing import ClassVar
from urllib.parse import urlsplit

from django.db import models

from exports.models.export import Export

MAIL, RELAY = "mail", "relay"


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
    """A mail to the export's user, or a message to the address that the user entered (a relay).

    Sent at least once: a process may die between sending and recording it, so each attempt of a mail has the same
    Message-ID. `due_at` is None after it was sent or given up (`last_error` says why). `held_until` and `reserved` are
    a lease, as on Export; `attempts` is its fencing token.
    """

    export = models.ForeignKey(Export, on_delete=models.CASCADE)
    kind = models.CharField(max_length=10, choices=[(MAIL, "Mail"), (RELAY, "Relay")])
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

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["export", "kind", "key"], name="notice_once")]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="notice_due", condition=models.Q(due_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} of export {self.export_id}"
