"""The history of exports: each change of status or of the provider's word."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.db import connection, models
from django.db.models import Q

from exports import clock, states
from exports.models.rollup import EXPORTS

if TYPE_CHECKING:
    from exports.models.event import Event
    from exports.models.export import Export


# One statement, because histories are written at every step of every export.
APPEND_SQL: Final = """
    INSERT INTO exports_change ({names}, seq, note)
    SELECT {values}, COALESCE(last.seq, 0) + 1, CASE WHEN %s AND last.note = %s THEN '' ELSE %s END
    FROM {source} LEFT JOIN
        (SELECT seq, note FROM exports_change WHERE export_id = %s ORDER BY seq DESC LIMIT 1) AS last ON TRUE
"""
ALWAYS: Final = "(SELECT 1) AS always"
# An export has one status more, and the one before not any more.
COUNT_SQL: Final = """
    INSERT INTO exports_rollup (series, key, count, seconds)
    SELECT %s, credential.provider || %s, %s, 0 FROM exports_project AS project
    JOIN exports_credential AS credential ON credential.id = project.credential_id WHERE project.id = %s
"""
COUNT_MOVED_SQL: Final = f"{COUNT_SQL} AND EXISTS (SELECT 1 FROM moved)"  # noqa: S608  both are constants


class Change(models.Model):
    """One row of the history: old and new status, when, who or what caused it, the provider's word. Append-only.

    Where both statuses are the same, the provider's word changed and the status did not.
    """

    export = models.ForeignKey("Export", on_delete=models.PROTECT, related_name="changes")
    seq = models.PositiveIntegerField()
    from_status = models.CharField(max_length=10, null=True)  # noqa: DJ001  NULL is the contract's `from: null`
    to_status = models.CharField(max_length=10)
    at = models.DateTimeField()
    source = models.CharField(max_length=10, choices=[(word, word) for word in states.SOURCES])
    actor = models.CharField(max_length=254, blank=True)
    provider_status = models.CharField(max_length=200, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["export", "seq"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["export", "seq"], name="change_seq_once"),
            models.CheckConstraint(condition=Q(source__in=states.SOURCES), name="change_source_known"),
        ]

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("History is never edited.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("History is never deleted.")

    @classmethod
    def append(
        cls,
        export: "Export",
        from_status: str | None,
        *,
        source: str,
        actor: str = "",
        note: str = "",
        at: datetime | None = None,
        skip_same_note: bool = False,
        update: tuple[str, list[Any]] | None = None,
        event: "Event | None" = None,
    ) -> bool:
        """Adds a row. Call it in the transaction that changed the export, whose row lock keeps `seq` in order.

        `skip_same_note`: leaves the note out where the row before has the same. `update`: the UPDATE of the export with
        its parameters, to be run in the same statement (PostgreSQL); where it changes nothing, no row is added, and the
        result is False. IntegrityError then means that another row came in between: update first, then append.
        `event`: a row that is added with this one.
        """
        row = cls(
            export=export,
            seq=0,
            from_status=from_status,
            to_status=export.status,
            at=at or clock.now(),
            source=source,
            actor=actor,
            provider_status=export.provider_status,
            note=note,
        )
        columns = [field for field in cls._meta.concrete_fields if field.name not in ("id", "seq", "note")]
        values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in columns]
        names = ", ".join(connection.ops.quote_name(str(field.column)) for field in columns)
        statement = APPEND_SQL.format(
            names=names, values=", ".join(["%s"] * len(values)), source="moved" if update else ALWAYS
        )
        params = [*values, skip_same_note, note, note, export.pk]
        before: list[tuple[str, list[Any]]] = []
        if update:
            before.append((f"moved AS ({update[0]} RETURNING id)", update[1]))
        if event is not None and connection.vendor == "postgresql":
            insert, event_values = event.insert_sql("moved" if update else ALWAYS)
            before.append((f"event AS ({insert})", event_values))
        elif event is not None:
            event.insert()
        count_sql = COUNT_MOVED_SQL if update else COUNT_SQL
        for number, (status, count) in enumerate(_counts(from_status, export.status)):
            values_of_count: list[Any] = [EXPORTS, f"|{export.type}|{status}", count, export.project_id]
            if connection.vendor == "postgresql":
                before.append((f"counted{number} AS ({count_sql})", values_of_count))
            else:
                with connection.cursor() as cursor:
                    cursor.execute(count_sql, values_of_count)
        if before:
            statement = f"WITH {', '.join(sql for sql, _ in before)} {statement}"
            params = [*(value for _, more in before for value in more), *params]
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            return bool(cursor.rowcount)


def _counts(from_status: str | None, to_status: str) -> list[tuple[str, int]]:
    """The statuses whose number of exports changes, and by how much."""
    if from_status == to_status:
        return []
    return [(to_status, 1)] if from_status is None else [(from_status, -1), (to_status, 1)]
