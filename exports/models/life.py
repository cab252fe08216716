"""Signs of life of the processes."""

from datetime import timedelta

from django.db import models
from django.utils import timezone


class Heartbeat(models.Model):
    """When a process ("worker:<node>", "beat") last said it was there."""

    name = models.CharField(max_length=200, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"

    @classmethod
    def beat(cls, name: str) -> None:
        """Says that it is there now."""
        cls.objects.update_or_create(name=name, defaults={"at": timezone.now()})

    @classmethod
    def alive(cls, prefix: str, seconds: float = 60) -> bool:
        """Whether one whose name begins so was there in the last seconds."""
        since = timezone.now() - timedelta(seconds=seconds)
        return cls.objects.filter(name__startswith=prefix, at__gte=since).exists()
