"""What providers list for a credential, and which of it is exported without being added by hand."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from exports.models.credential import Credential
from exports.models.team import User


class RemoteProject(models.Model):
    """A project that the provider listed for a credential. `gone_at`: since when it is no longer in the list.

    A project that was added by hand, is in no list and never had a good export has such a row too, with `gone_at`.
    """

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE)
    remote_id = models.CharField("id at the provider", max_length=200)
    name = models.CharField(max_length=200, blank=True)
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    gone_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["credential", "remote_id"], name="remote_project_once_a_credential")
        ]

    def __str__(self) -> str:
        return self.name or self.remote_id


class AutoProtection(models.Model):
    """Adds every project that the provider lists for a credential, now and later, each with a schedule like this."""

    credential = models.OneToOneField(Credential, on_delete=models.CASCADE)
    owner = models.ForeignKey(User, on_delete=models.PROTECT)
    type = models.CharField(max_length=40)
    format = models.CharField(max_length=20)
    options = models.JSONField(default=dict)
    cron = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=64, blank=True)
    spread_minutes = models.PositiveSmallIntegerField(default=0)
    fresh_within_hours = models.PositiveIntegerField(null=True)
    disabled_reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"all of {self.credential}"
