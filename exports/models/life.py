"""Signs of life of the processes."""

from datetime import timedelta

from django.db import models

from exports.models import moment


class Heartbeat(models.Model):
    """When a process ("worker:<node>", "beat") last said it was there."""

    name = models.CharField(max_length=200, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"

    @classmethod
    def beat(cls, name: str) -> None:
        """Says that it is there now."""
        cls.objects.update_or_create(name=name, defaults={"at": moment.now()})

    @classmethod
    def alive(cls, prefix: str, seconds: float = 60) -> bool:
        """Whether one whose name begins so was there in the last seconds."""
        since = moment.now() - timedelta(seconds=seconds)
        return cls.objects.filter(name__startswith=prefix, at__gte=since).exists()


class Outage(models.Model):
    """A provider's origin that does not answer: until when its exports rest, since when, and what was seen."""

    origin = models.CharField(max_length=300, unique=True)
    since = models.DateTimeField()
    until = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    reason = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.origin} until {self.until}"
