"""Incidents of the portal itself that its operators are told of, and when periodic work was done last."""

from datetime import datetime
from typing import ClassVar, Final

from django.db import models

from exports import clock

# Names of LastRun.
DISPATCH: Final = "dispatch"
DEAD_MAN: Final = "dead man"


class LastRun(models.Model):
    """When something that happens again and again happened last. `name` says what."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"

    @classmethod
    def record(cls, name: str) -> None:
        """Writes the time of now."""
        values = {"at": clock.now()}
        if not cls.objects.filter(name=name).update(**values):
            cls.objects.update_or_create(name=name, defaults=values)

    @classmethod
    def take_turn(cls, name: str, seconds: float) -> bool:
        """Whether it is `seconds` ago; then it counts as done now, and other processes get False meanwhile."""
        now = clock.now()
        if cls.objects.filter(name=name, at__lte=clock.seconds_from_now(-seconds)).update(at=now):
            return True
        return cls.objects.get_or_create(name=name, defaults={"at": now})[1]

    @classmethod
    def time_of(cls, name: str) -> datetime | None:
        """When it was done last; None for never."""
        return cls.objects.filter(name=name).values_list("at", flat=True).first()


class Incident(models.Model):
    """Something that keeps the portal from its work, from its beginning until it is forgotten a day after its end.

    `seen_at` is when it was there last. `notified_at` and `end_notified_at` are when the operators were told of it and
    of its end. `times`: how often it has come within a day. `held_until`: a process is sending the mail about it.
    """

    key = models.CharField(max_length=60, unique=True)
    detail = models.CharField(max_length=300)
    since = models.DateTimeField()
    seen_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    notified_at = models.DateTimeField(null=True)
    end_notified_at = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return self.detail
