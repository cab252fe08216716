"""Schedules: exports that are asked for at planned times, and what became of each planned time."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from exports import clock
from exports.models.event import SCHEDULE_DISABLED, Event
from exports.models.export import Export
from exports.models.project import Project
from exports.models.team import Team, User
from exports.providers import registry
from exports.providers.contract import Kind

REQUESTED, SKIPPED, FAILED, MISSED = "requested", "skipped", "failed", "missed"
OUTCOMES = (REQUESTED, SKIPPED, FAILED, MISSED)
# So many failures in a row disable a schedule.
MAX_FAILURES = 5


class Schedule(models.Model):
    """Asks for an export of a project at the times of `cron`, in `time_zone` (empty: the team's).

    `next_run_at` is the next planned time, `ask_at` the time to ask: later by a stable part of `spread_minutes`. Both
    are None while it is disabled. `owner` is the person on whose behalf it asks; their rights are looked at each time.
    `confirmed`: the owner chose it although its kind changes the project at the provider.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    owner = models.ForeignKey(User, on_delete=models.PROTECT)
    type = models.CharField(max_length=40)
    format = models.CharField(max_length=20)
    options = models.JSONField(default=dict)
    all_branches = models.BooleanField(default=False, help_text="Asks for every branch of the project.")
    cron = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=64, blank=True)
    spread_minutes = models.PositiveSmallIntegerField(default=0)
    confirmed = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=300, blank=True)
    failures_in_a_row = models.PositiveIntegerField(default=0, editable=False)
    next_run_at = models.DateTimeField(null=True, editable=False)
    ask_at = models.DateTimeField(null=True, editable=False)
    last_export = models.ForeignKey(Export, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(spread_minutes__lte=60), name="schedule_spread_an_hour"),
            models.CheckConstraint(
                condition=Q(enabled=True, next_run_at__isnull=False, ask_at__isnull=False)
                | Q(enabled=False, next_run_at__isnull=True, ask_at__isnull=True),
                name="schedule_planned_iff_enabled",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["ask_at"], name="schedule_due", condition=Q(ask_at__isnull=False)),
            models.Index(fields=["team", "-id"], name="schedule_of_team"),
            models.Index(fields=["team", "ask_at"], name="schedule_next_of_team", condition=Q(ask_at__isnull=False)),
            models.Index(fields=["team", "-id"], name="schedule_disabled_of_team", condition=Q(enabled=False)),
            models.Index(fields=["project", "-id"], name="schedule_of_project"),
        ]

    def __str__(self) -> str:
        return f"{self.type} of {self.project}, {self.cron}"

    @property
    def kind(self) -> Kind:
        """The declaration of this kind of export. Raises NotInstalledError."""
        return registry.get_kind(self.project.credential.provider, self.type)

    @property
    def zone_name(self) -> str:
        """The name of the time zone of its planned times: its own, or the team's."""
        return self.time_zone or self.team.time_zone

    @property
    def was_stopped(self) -> bool:
        """Whether the portal disabled it; a person who pauses it gives no reason."""
        return not self.enabled and bool(self.disabled_reason)

    def disable(self, reason: str) -> None:
        """Disables it for a reason, a sentence, and records the event. Call it in a transaction that locks the row."""
        self.enabled, self.disabled_reason = False, reason[:300]
        self.next_run_at = self.ask_at = None
        self.save(update_fields=["enabled", "disabled_reason", "next_run_at", "ask_at"])
        key = f"{SCHEDULE_DISABLED}:{self.pk}:{clock.now().isoformat()}"
        Event.record(
            self.team_id,
            SCHEDULE_DISABLED,
            key,
            project=self.project,
            schedule_id=self.pk,
            reason=self.disabled_reason,
        )

    def count_failure(self) -> None:
        """Counts one more failure in a row; the last of MAX_FAILURES disables it. Locks as `disable`."""
        self.failures_in_a_row += 1
        self.save(update_fields=["failures_in_a_row"])
        if self.failures_in_a_row >= MAX_FAILURES and self.enabled:
            self.disable(f"It failed {self.failures_in_a_row} times in a row.")


class ScheduleRun(models.Model):
    """What became of one planned time of a schedule. Unique, so a planned time is used once, whoever uses it.

    `outcome`: "requested" (with the export, the first where there are several), "skipped" (its duplicate was open, or
    something is paused; `note` says which), "failed" (could not ask; `note` says why) or "missed" (the portal was down;
    a later time caught up). What a person runs now has a row too, at the moment of asking.
    """

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="runs")
    planned_at = models.DateTimeField()
    at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=10, choices=[(word, word) for word in OUTCOMES])
    export = models.ForeignKey(Export, null=True, on_delete=models.SET_NULL)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["schedule", "planned_at"], name="schedule_run_once"),
            models.CheckConstraint(condition=Q(outcome__in=OUTCOMES), name="schedule_run_outcome_known"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} at {self.planned_at}"
