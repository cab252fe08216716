"""Events: what alerts, webhooks and mails tell, written in the transaction of what happened."""

from datetime import datetime
from typing import Any, ClassVar, Final

from django.db import connection, models
from django.db.models import Q
from django.utils import timezone

from exports import states
from exports.models.export import Export
from exports.models.project import Project
from exports.models.team import Team

EXPORT_SUCCEEDED: Final = "export.succeeded"
EXPORT_FAILED: Final = "export.failed"
EXPORT_CANCELED: Final = "export.canceled"
PROJECT_OVERDUE: Final = "project.overdue"
PROJECT_FRESH: Final = "project.fresh"
SCHEDULE_DISABLED: Final = "schedule.disabled"
CREDENTIAL_REFUSED: Final = "credential.refused"
FILE_CHANGED_ODDLY: Final = "file.changed_oddly"
FILE_DAMAGED: Final = "file.damaged"
TEAM_QUOTA: Final = "team.quota"
# A public contract: webhooks carry these words, and people choose from them.
EVENT_TYPES: Final = (
    EXPORT_SUCCEEDED,
    EXPORT_FAILED,
    EXPORT_CANCELED,
    PROJECT_OVERDUE,
    PROJECT_FRESH,
    SCHEDULE_DISABLED,
    CREDENTIAL_REFUSED,
    FILE_CHANGED_ODDLY,
    FILE_DAMAGED,
    TEAM_QUOTA,
)
ENDED_EXPORT: Final = {
    states.SUCCEEDED: EXPORT_SUCCEEDED,
    states.FAILED: EXPORT_FAILED,
    states.CANCELED: EXPORT_CANCELED,
}


class Event(models.Model):
    """Something that a team may be told. `key` makes it unique in the team: what is told once has one key.

    `data` names its objects by id (`schedule_id`, `credential_id`, ...) and holds figures that change later
    (`percent`, `rows`, ...). `fanned_out_at` is None until there is a message for each that wants to be told.
    """

    # The constraint below begins with it.
    team = models.ForeignKey(Team, on_delete=models.CASCADE, db_index=False)
    type = models.CharField(max_length=30, choices=[(word, word) for word in EVENT_TYPES])
    key = models.CharField(max_length=100)
    at = models.DateTimeField(default=timezone.now)
    export = models.ForeignKey(Export, null=True, on_delete=models.CASCADE)
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE)
    data = models.JSONField(default=dict)
    fanned_out_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "key"], name="event_once")]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="event_to_fan_out", condition=Q(fanned_out_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.key}"

    @staticmethod
    def record(
        team_id: int,
        type_: str,
        key: str,
        *,
        export: Export | None = None,
        project: Project | None = None,
        **data: Any,
    ) -> None:
        """Adds an event, unless the team has one with this key. Call it in the transaction of what happened."""
        Event(team_id=team_id, type=type_, key=key, export=export, project=project, data=data).insert()

    @classmethod
    def of_ended_export(cls, export: Export, at: datetime) -> "Event":
        """The event of an export that has just ended; not saved."""
        type_ = ENDED_EXPORT[export.status]
        key = f"{type_}:{export.pk}"
        return cls(team_id=export.team_id, type=type_, key=key, at=at, export=export, project_id=export.project_id)

    def insert(self) -> None:
        """Adds the row, unless the team has one with this key."""
        Event.objects.bulk_create([self], ignore_conflicts=True)

    def insert_sql(self, source: str) -> tuple[str, list[Any]]:
        """The INSERT of `insert` with its parameters, for each row of `source`; PostgreSQL."""
        columns = [field for field in self._meta.concrete_fields if field.name != "id"]
        names = ", ".join(connection.ops.quote_name(str(field.column)) for field in columns)
        values = [field.get_db_prep_save(getattr(self, field.attname), connection) for field in columns]
        marks = ", ".join(["%s"] * len(values))
        # Names of columns and a source that is one of two constants; the values are parameters.
        insert = f"INSERT INTO exports_event ({names}) SELECT {marks} FROM {source} ON CONFLICT DO NOTHING"  # noqa: S608
        return insert, values
