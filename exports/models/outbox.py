"""Notices: what must be said to somebody outside, written with the change itself and sent after."""

import hashlib
from typing import ClassVar
from urllib.parse import urlsplit

from django.db import models

from exports.models.export import Export

MAIL, RELAY = "mail", "relay"


def recipient_key(address: str) -> str:
    """Tells recipients apart without keeping their address, which may be a secret."""
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()[:32]


def host_of(address: str) -> str:
    """The host that a message to this URL or mail address goes to."""
    try:
        return (urlsplit(address).hostname or "mail")[:200]
    except ValueError:
        return "unreadable"


class OutboxMessage(models.Model):
    """A mail to the export's user, or a message to the address its user named.

    Sent at least once: a process may die between sending and noting it, so a mail carries a Message-ID that is the
    same each time. `due_at` is None when it was sent or given up (`last_error` says why). `held_until` and `reserved` are
    a lease, as of an export; `attempts` is its fencing token.
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
