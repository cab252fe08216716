"""Credentials (a team's secrets for one provider, encrypted), their rate limits and pauses."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar

from django.db import models, transaction

from exports import clock
from exports.crypto import decrypt, encrypt
from exports.models.team import Team, User
from exports.providers import registry
from exports.providers.contract import Provider
from exports.transport.provider_api import Grant


class Credential(models.Model):
    """Secrets for one provider. `encrypted_secrets` maps the name of each secret field to its encrypted value.

    `origin` is a declared name or an address; empty means the provider's first. `encrypted_grant` is a short-lived
    token of the provider; until `grant_locked_until` only the process that set it may fetch a new one.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    provider = models.CharField(max_length=40)
    name = models.CharField(max_length=100)
    origin = models.CharField(max_length=300, blank=True)
    dialect = models.CharField(max_length=20, blank=True)
    encrypted_secrets = models.JSONField(default=dict, editable=False)
    encrypted_grant = models.TextField(blank=True, default="", editable=False)
    grant_locked_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    used_at = models.DateTimeField(null=True, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=500, blank=True, editable=False)
    refused_notified_at = models.DateTimeField(
        null=True, editable=False, help_text="When the team was told that the provider refuses it; None while it works."
    )
    paused_at = models.DateTimeField(null=True, editable=False, help_text="Nothing new is asked for since then.")
    discovered_at = models.DateTimeField(
        null=True, editable=False, help_text="When its provider's projects were listed last."
    )
    discovery_error = models.CharField(max_length=500, blank=True, default="", db_default="", editable=False)
    deleted_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="Its secrets are gone since then; the history of its projects needs the row.",
    )

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "name"], name="credential_name_once_a_team")]

    def __str__(self) -> str:
        return f"{self.name} ({self.provider})"

    @property
    def provider_definition(self) -> Provider:
        """The provider's declaration. Raises NotInstalledError."""
        return registry.get_provider(self.provider)

    @property
    def has_provider(self) -> bool:
        """Whether the provider is installed."""
        return self.provider in registry.PROVIDERS

    @property
    def origin_url(self) -> str:
        """The origin as an address. Raises NotInstalledError."""
        origins = self.provider_definition.origins
        return origins.get(self.origin or next(iter(origins), ""), self.origin)

    def _bound_to(self, field: str) -> str:
        return f"credential|{self.pk}|{self.team_id}|{field}"

    def secrets(self) -> dict[str, str]:
        """The secrets, decrypted. Raises CryptoError."""
        return {name: decrypt(value, self._bound_to(name)) for name, value in self.encrypted_secrets.items()}

    def save_secrets(self, secrets: Mapping[str, str]) -> None:
        """Encrypts and saves these secrets; the others stay. The row must exist: values are bound to its id."""
        self.encrypted_secrets = {
            **self.encrypted_secrets,
            **{name: encrypt(value, self._bound_to(name)) for name, value in secrets.items()},
        }
        self.save(update_fields=["encrypted_secrets"])

    def reencrypt(self) -> None:
        """Encrypts all of it with the first key and saves it. The row must be locked. Raises CryptoError."""
        self.encrypted_secrets = {name: encrypt(value, self._bound_to(name)) for name, value in self.secrets().items()}
        if self.encrypted_grant:
            self.encrypted_grant = encrypt(
                decrypt(self.encrypted_grant, self._bound_to("grant")), self._bound_to("grant")
            )
        self.save(update_fields=["encrypted_secrets", "encrypted_grant"])

    def grant(self) -> Grant | None:
        """The stored short-lived token, or None. Raises CryptoError."""
        if not self.encrypted_grant:
            return None
        token, expires_at = json.loads(decrypt(self.encrypted_grant, self._bound_to("grant")))
        return Grant(token, expires_at)

    def save_grant(self, grant: Grant | None) -> None:
        """Encrypts and saves a token and the secrets that changed with it; None deletes the token."""
        encrypted_grant = encrypt(json.dumps([grant.token, grant.expires_at]), self._bound_to("grant")) if grant else ""
        changed = {
            name: encrypt(value, self._bound_to(name)) for name, value in (grant.secrets if grant else {}).items()
        }
        with transaction.atomic():
            row = type(self).objects.select_for_update().get(pk=self.pk)
            # Merged into the row as it is now: an owner may have replaced other secrets meanwhile.
            self.encrypted_secrets, self.encrypted_grant = {**row.encrypted_secrets, **changed}, encrypted_grant
            self.save(update_fields=["encrypted_secrets", "encrypted_grant"])


class RateLimitPause(models.Model):
    """Until when a credential's calls of a rate class wait (the provider answered 429). An empty class: all calls."""

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE)
    rate_class = models.CharField(max_length=20, blank=True)
    until = models.DateTimeField()
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["credential", "rate_class"], name="pause_once_a_class")
        ]

    def __str__(self) -> str:
        return f"{self.credential} until {self.until}"

    @classmethod
    def extend(cls, credential_id: int, rate_class: str, until: datetime, reason: str) -> None:
        """Pauses a rate class of a credential until then; a pause that is longer already stays."""
        pause, created = cls.objects.get_or_create(
            credential_id=credential_id, rate_class=rate_class, defaults={"until": until, "reason": reason}
        )
        if not created:
            cls.objects.filter(pk=pause.pk, until__lt=until).update(until=until, reason=reason)

    @classmethod
    def in_force(cls, credentials: Iterable[int], rate_class: str) -> "dict[int, RateLimitPause]":
        """The pauses in force in this rate class by credential id; the longest where there are several."""
        pauses = cls.objects.filter(
            credential_id__in=list(credentials), rate_class__in=["", rate_class], until__gt=clock.now()
        )
        return {pause.credential_id: pause for pause in pauses.order_by("until")}


class RateWindow(models.Model):
    """The rate limit of a credential in one rate class: `limit` calls in windows of `seconds`.

    Slots are numbered consecutively: slot n belongs to window n // limit. `window` is the current one. The provider's
    window started between `opened_at`, when its first call was admitted, and `started_at`, when the first answer came.
    `next_slot` is the next free slot; `answered`: whether that first answer has come. `carried_calls`: calls of the
    window before that the provider may count together with this one's; they are counted in `next_slot` as well. With
    any, a window of the provider may also have started later in this one.
    """

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE)
    rate_class = models.CharField(max_length=20)
    limit = models.PositiveIntegerField()
    seconds = models.FloatField()
    window = models.BigIntegerField(default=0)
    opened_at = models.DateTimeField()
    started_at = models.DateTimeField()
    next_slot = models.BigIntegerField(default=0)
    answered = models.BooleanField(default=True)
    carried_calls = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["credential", "rate_class"], name="allowance_once_a_class"),
            models.CheckConstraint(condition=models.Q(limit__gt=0, seconds__gt=0), name="allowance_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.credential}: {self.limit} in {self.seconds:g} s ({self.rate_class})"
