"""Alerts and webhooks of a team: where its events are told."""

from typing import ClassVar, Final

from django.db import models
from django.db.models import Q
from django.utils import timezone

from exports.crypto import decrypt, encrypt
from exports.models.team import Team, User

MAIL, SLACK, TEAMS, DISCORD, NTFY = "mail", "slack", "teams", "discord", "ntfy"
ALERT_KINDS: Final = (MAIL, SLACK, TEAMS, DISCORD, NTFY)
NO_DIGEST, DAILY = "none", "daily"


class Alert(models.Model):
    """An address that is told the chosen events. Such addresses are secrets, so it is encrypted.

    `digest`: "none" for a message each, "daily" for one message a day. `failing_since` is None while it works.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    kind = models.CharField(max_length=10, choices=[(word, word) for word in ALERT_KINDS])
    encrypted_address = models.TextField(default="", editable=False)
    events = models.JSONField(default=list)
    digest = models.CharField(max_length=10, choices=[(NO_DIGEST, "none"), (DAILY, "daily")], default=NO_DIGEST)
    digest_sent_at = models.DateTimeField(null=True, editable=False)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=300, blank=True)
    failing_since = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=ALERT_KINDS), name="alert_kind_known"),
            models.CheckConstraint(condition=Q(digest__in=[NO_DIGEST, DAILY]), name="alert_digest_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} alert {self.pk}"

    def _bound_to(self) -> str:
        return f"alert|{self.pk}|{self.team_id}|address"

    def address(self) -> str:
        """The address, decrypted. Raises CryptoError."""
        return decrypt(self.encrypted_address, self._bound_to())

    def save_address(self, address: str) -> None:
        """Encrypts and saves the address. The row must exist: the value is bound to its id."""
        self.encrypted_address = encrypt(address, self._bound_to())
        self.save(update_fields=["encrypted_address"])

    def encrypted_values(self) -> list[str]:
        """All that is encrypted of it."""
        return [self.encrypted_address]

    def reencrypt(self) -> None:
        """Encrypts the address with the first key and saves it. The row must be locked. Raises CryptoError."""
        self.save_address(self.address())


class Webhook(models.Model):
    """An address of the team's that gets its events as Standard Webhooks, signed with the secret.

    After a rotation the previous secret signs as well until `previous_secret_until`.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    url = models.CharField(max_length=2000)
    encrypted_secret = models.TextField(default="", editable=False)
    encrypted_previous_secret = models.TextField(default="", blank=True, editable=False)
    previous_secret_until = models.DateTimeField(null=True, editable=False)
    events = models.JSONField(default=list)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=300, blank=True)
    failing_since = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)

    def __str__(self) -> str:
        return f"webhook {self.pk}"

    def _bound_to(self) -> str:
        return f"webhook|{self.pk}|{self.team_id}|secret"

    @property
    def has_previous_secret(self) -> bool:
        """Whether the secret before the last rotation still signs."""
        return self.previous_secret_until is not None and self.previous_secret_until > timezone.now()

    def secrets(self) -> list[str]:
        """The secrets that sign now, the current one first, decrypted. Raises CryptoError."""
        encrypted = [self.encrypted_secret]
        if self.has_previous_secret:
            encrypted.append(self.encrypted_previous_secret)
        return [decrypt(value, self._bound_to()) for value in encrypted if value]

    def set_secret(self, secret: str) -> None:
        """Encrypts the secret; does not save it. The row must exist: the value is bound to its id."""
        self.encrypted_secret = encrypt(secret, self._bound_to())

    def encrypted_values(self) -> list[str]:
        """All that is encrypted of it."""
        return [value for value in (self.encrypted_secret, self.encrypted_previous_secret) if value]

    def reencrypt(self) -> None:
        """Encrypts the secrets with the first key and saves them. The row must be locked. Raises CryptoError."""
        bound_to = self._bound_to()
        self.encrypted_secret, self.encrypted_previous_secret = (
            encrypt(decrypt(value, bound_to), bound_to) if value else ""
            for value in (self.encrypted_secret, self.encrypted_previous_secret)
        )
        self.save(update_fields=["encrypted_secret", "encrypted_previous_secret"])
