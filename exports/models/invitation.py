"""Invitations: links that make one person a member of a team."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import ClassVar

from django.core.signing import Signer
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from exports.models.team import MEMBER, OWNER, VIEWER, Member, Team, User

VALIDITY = timedelta(days=7)


def _end() -> datetime:
    return timezone.now() + VALIDITY


class Invitation(models.Model):
    """The link is stored hashed and shown once. With an `email`, only a person with that address may use it."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    email = models.EmailField(blank=True)
    role = models.CharField(max_length=10, choices=Member.ROLES, default=MEMBER)
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="invitations_made")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(default=_end)
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="invitations_taken")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(role__in=[OWNER, MEMBER, VIEWER]), name="invitation_role_known")
        ]

    def __str__(self) -> str:
        return f"Invitation of {self.email or 'whoever has the link'} to {self.team}"

    @staticmethod
    def new_token() -> str:
        """A new token for the link: 256 random bits, base64url."""
        return secrets.token_urlsafe(32)

    @staticmethod
    def digest_of(token: str) -> str:
        """The SHA-256 of the token, which is stored instead of it."""
        return hashlib.sha256(token.encode()).hexdigest()

    @property
    def email_proof(self) -> str:
        """A signature in the mailed link, but not in the one shown to the owner: it proves access to the mailbox."""
        return Signer(salt="mailed invitation").signature(f"{self.pk} {self.email}")

    def is_email_proof(self, text: str) -> bool:
        """Whether the text is the signature of the mailed link."""
        return bool(self.email) and constant_time_compare(text, self.email_proof)

    @property
    def is_open(self) -> bool:
        """Whether it can still be accepted."""
        return self.accepted_at is None and self.revoked_at is None and self.expires_at > timezone.now()
