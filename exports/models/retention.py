"""Retention rules: which kept files may go."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from exports.models.project import Project
from exports.models.team import Team


class RetentionRule(models.Model):
    """A team's rule, or one project's, which replaces the team's. A file is kept if any of its numbers keeps it.

    All None keeps everything. `max_bytes` comes last and takes the oldest first, never a pinned file or the last good
    one of its project, type and format.
    """

    NUMBERS: ClassVar = ("keep_last", "keep_days", "keep_daily", "keep_weekly", "keep_monthly", "max_bytes")

    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    project = models.OneToOneField(Project, null=True, on_delete=models.CASCADE)
    keep_last = models.PositiveIntegerField(null=True)
    keep_days = models.PositiveIntegerField(null=True)
    keep_daily = models.PositiveIntegerField(null=True)
    keep_weekly = models.PositiveIntegerField(null=True)
    keep_monthly = models.PositiveIntegerField(null=True)
    max_bytes = models.PositiveBigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team"], condition=Q(project=None), name="retention_once_a_team")
        ]

    def __str__(self) -> str:
        return f"retention of {self.project or self.team}"
