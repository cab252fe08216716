"""Signs of life of the processes."""

from datetime import timedelta
from typing import Any

from django.db import models

from exports import clock


class Heartbeat(models.Model):
    """When a node ("worker:<node>") or a beat ("beat:<host>") last said it was there, and what a node can take.

    `queues` is empty for a beat, and for a node without a connection to the broker.
    """

    name = models.CharField(max_length=200, primary_key=True)
    at = models.DateTimeField()
    queues = models.JSONField(default=list)
    slots = models.PositiveIntegerField(default=0)
    busy = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"

    @classmethod
    def record(cls, name: str, **values: Any) -> None:
        """Says that it is there now; `values` are the other columns."""
        values["at"] = clock.now()
        if not cls.objects.filter(name=name).update(**values):
            cls.objects.update_or_create(name=name, defaults=values)

    @classmethod
    def is_alive(cls, prefix: str, seconds: float = 60) -> bool:
        """Whether one whose name begins so was there in the last seconds."""
        since = clock.now() - timedelta(seconds=seconds)
        return cls.objects.filter(name__startswith=prefix, at__gte=since).exists()


class OpenCircuit(models.Model):
    """A provider's origin that does not answer: until when its exports rest, since when, and what was seen."""

    origin = models.CharField(max_length=300, unique=True)
    since = models.DateTimeField()
    until = models.DateTimeField()
    trip_count = models.PositiveIntegerField(default=1)
    reason = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.origin} until {self.until}"
