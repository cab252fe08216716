"""Invitations: a link that makes whoever holds it a member, once."""

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
    """Stored hashed, shown once. An `email` binds it to that address; without one the link alone counts."""

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
        """256 random bits for the link."""
        return secrets.token_urlsafe(32)

    @staticmethod
    def digest_of(token: str) -> str:
        """What is stored of the token."""
        return hashlib.sha256(token.encode()).hexdigest()

    @property
    def email_proof(self) -> str:
        """What the mailed link has and the one shown to the owner has not: who has it reads the mail of the address."""
        return Signer(salt="mailed invitation").signature(f"{self.pk} {self.email}")

    def is_email_proof(self, text: str) -> bool:
        """Whether who says this came by the mail."""
        return bool(self.email) and constant_time_compare(text, self.email_proof)

    @property
    def is_open(self) -> bool:
        """Whether it can still be taken."""
        return self.accepted_at is None and self.revoked_at is None and self.expires_at > timezone.now()
