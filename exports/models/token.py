"""API tokens, stored hashed, and idempotency keys, which make a repeated request harmless."""

import hashlib
import secrets
from datetime import timedelta
from typing import ClassVar, Final

from django.db import models
from django.db.models import Q
from django.utils import timezone

from exports.models.export import Export
from exports.models.team import Member

READ, WRITE = "read", "write"
# How long before its end the person of a token is told of it.
NOTICE: Final = timedelta(days=7)


class Token(models.Model):
    """An API token of one member of one team. The token itself is shown once; `prefix` identifies it in lists."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE)
    name = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scope = models.CharField(max_length=5, choices=[(READ, "Read"), (WRITE, "Read and write")], default=WRITE)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    expiry_notified_at = models.DateTimeField(
        null=True, editable=False, help_text="When its person was told of the end."
    )
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(scope__in=[READ, WRITE]), name="token_scope_known")]

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.member}"

    @property
    def has_expired(self) -> bool:
        """Whether its end is over."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def expires_soon(self) -> bool:
        """Whether it ends within NOTICE, so that its person is told."""
        return self.expires_at is not None and timezone.now() < self.expires_at <= timezone.now() + NOTICE

    @classmethod
    def issue(cls, member: Member, scope: str = WRITE, name: str = "") -> str:
        """Creates a token and returns it. It cannot be read again."""
        text = "ep_" + secrets.token_urlsafe(32)
        cls.objects.create(member=member, scope=scope, name=name, prefix=text[:9], digest=cls.digest_of(text))
        return text

    @staticmethod
    def digest_of(text: str) -> str:
        """The SHA-256 of a token. No slow hash is needed, since a token has 256 random bits."""
        return hashlib.sha256(text.encode()).hexdigest()


class IdempotencyKey(models.Model):
    """A key of an earlier request. `digest` is of its body: the same key and body return the same export."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE)
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    export = models.ForeignKey(Export, on_delete=models.CASCADE)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["member", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
