"""The history of exports: each change of status or of the provider's word."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import Max, Q

from exports import clock, states

if TYPE_CHECKING:
    from exports.models.export import Export


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
    ) -> "Change":
        """Adds a row. Call it in the transaction that changed the export, whose row lock keeps `seq` in order."""
        last = cls.objects.filter(export=export).aggregate(last=Max("seq"))["last"] or 0
        return cls.objects.create(
            export=export,
            seq=last + 1,
            from_status=from_status,
            to_status=export.status,
            at=at or clock.now(),
            source=source,
            actor=actor,
            provider_status=export.provider_status,
            note=note,
        )
