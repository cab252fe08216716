"""Projects of providers, each reached with a credential."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Coalesce

from exports import clock
from exports.models.credential import Credential
from exports.models.team import Team, User
from exports.providers.contract import Provider
from exports.providers.project_ids import MAX_SET_LENGTH


class GoodUntil(models.Func):
    """`Project.good_until` in SQL; NULL without a target. It depends on no setting, so it can be indexed."""

    output_field = models.DateTimeField()
    arity = 2

    def __init__(self) -> None:
        super().__init__(Coalesce("last_good_at", "created_at"), models.F("fresh_within_hours"))

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        """PostgreSQL. Adding to a time with a zone depends on the session's zone, so it is added in UTC."""
        template = "(((%(expressions)s * interval '1 hour') AT TIME ZONE 'UTC'))"
        return self.as_sql(compiler, connection, template=template, arg_joiner=" AT TIME ZONE 'UTC' + ")

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """SQLite keeps times as text; whole seconds are enough here."""
        template = "datetime(%(expressions)s || ' hours')"
        return self.as_sql(compiler, connection, template=template, arg_joiner=", '+' || ")


class Project(models.Model):
    """A project at a provider. `remote_id` is its id there, by the provider's rule (`Provider.project_id`).

    With `archived_at` it takes no new exports and is in no list or form; its exports and their history stay.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    credential = models.ForeignKey(Credential, on_delete=models.PROTECT)
    remote_id = models.CharField("id at the provider", max_length=MAX_SET_LENGTH)
    name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    archived_at = models.DateTimeField(null=True, editable=False)
    paused_at = models.DateTimeField(null=True, editable=False, help_text="Nothing new is asked for since then.")
    fresh_within_hours = models.PositiveIntegerField(
        null=True, help_text="How old its last good export may be, in hours."
    )
    last_good_at = models.DateTimeField(null=True, editable=False, help_text="When its last good export ended.")
    overdue_notified_at = models.DateTimeField(
        null=True, editable=False, help_text="When the team was told that it is overdue; None while it is not."
    )

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["team", "last_good_at"],
                name="project_with_target",
                condition=models.Q(fresh_within_hours__gt=0),
            ),
            # What is late, and what will be next; lists show only those that are not archived.
            models.Index(
                "team",
                GoodUntil(),
                name="project_good_until",
                condition=models.Q(archived_at=None),
            ),
            # A submit looks for others of the same project, whose id it is with any credential.
            models.Index(fields=["remote_id"], name="project_by_remote_id"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["credential", "remote_id"], name="project_once_a_credential"),
            models.CheckConstraint(condition=~models.Q(remote_id=""), name="project_has_remote_id"),
        ]

    def __str__(self) -> str:
        return self.name or self.remote_id

    @property
    def is_archived(self) -> bool:
        """Whether it takes no new exports."""
        return self.archived_at is not None

    @property
    def good_until(self) -> datetime | None:
        """Until when its last good export is young enough; None without a target. Without a copy: from its making."""
        if self.fresh_within_hours is None:
            return None
        return (self.last_good_at or self.created_at) + timedelta(hours=self.fresh_within_hours)

    @property
    def is_overdue(self) -> bool:
        """Whether its last good export is older than its target allows."""
        return self.good_until is not None and self.good_until < clock.now()

    @property
    def provider(self) -> Provider:
        """The provider's declaration."""
        return self.credential.provider_definition
