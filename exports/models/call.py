"""The call log: each HTTP exchange with a provider, as it may be shown."""

from typing import ClassVar

from django.db import models

from exports.models.credential import Credential
from exports.models.export import Export


class Call(models.Model):
    """One HTTP exchange. `url` has no secrets; `correlation` is the X-Request-Id that was sent."""

    export = models.ForeignKey(Export, null=True, on_delete=models.CASCADE)
    credential = models.ForeignKey(Credential, null=True, on_delete=models.CASCADE)
    at = models.DateTimeField()
    method = models.CharField(max_length=8)
    url = models.CharField(max_length=500)
    status = models.PositiveSmallIntegerField(null=True)
    seconds = models.FloatField()
    error = models.CharField(max_length=500, blank=True)
    correlation = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["export", "id"], name="call_of_export")]

    def __str__(self) -> str:
        return f"{self.method} {self.url} {self.status or self.error}"
