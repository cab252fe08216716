"""Slots of the worker pools that task messages have been published for."""

from typing import ClassVar

from django.db import models


class Reservation(models.Model):
    """One published task message. It takes a slot of its queue until its task has ended, or until `until`.

    The dispatcher writes it, the task that runs the message deletes it, and the lease keeper of the process that runs
    a long one moves `until`. `exports` is what the message carries: `[team id, project id, number of exports]` each.
    `slow_since`: since when its download is slow; for a message of slow polls, when it was published. `gives_way`: the
    dispatcher wants the slot of this slow download for another one.
    """

    task_id = models.CharField(max_length=40, primary_key=True)
    queue = models.CharField(max_length=40)
    until = models.DateTimeField()
    exports = models.JSONField(default=list)
    slow_since = models.DateTimeField(null=True)
    gives_way = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["until"], name="reservation_until")]

    def __str__(self) -> str:
        return f"{self.queue} {self.task_id} until {self.until}"
