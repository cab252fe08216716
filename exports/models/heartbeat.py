"""Heartbeats of worker nodes and beats, and open circuits of the circuit breaker."""

from typing import Any

from django.db import models

from exports import clock


class Heartbeat(models.Model):
    """The last heartbeat of a worker node ("worker:<node>") or a beat ("beat:<host>:<pid>"), and a node's slots.

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
        """Writes a heartbeat with the time of now; `values` are the other columns."""
        values["at"] = clock.now()
        if not cls.objects.filter(name=name).update(**values):
            cls.objects.update_or_create(name=name, defaults=values)


class OpenCircuit(models.Model):
    """An origin of a provider that does not answer: from `since` until `until` its exports wait, for `reason`."""

    origin = models.CharField(max_length=300, unique=True)
    since = models.DateTimeField()
    until = models.DateTimeField()
    trip_count = models.PositiveIntegerField(default=1)
    reason = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.origin} until {self.until}"
