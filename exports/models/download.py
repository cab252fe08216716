"""The download log: who took which file, when."""

from typing import ClassVar

from django.db import models

from exports.models.export import Export
from exports.models.team import User


class Download(models.Model):
    """One download of an export's file. `via`: "page", "api" or "zip" (one of several files in a zip)."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="downloads")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    actor = models.CharField(max_length=254)
    at = models.DateTimeField(auto_now_add=True)
    via = models.CharField(max_length=4, choices=[("page", "Page"), ("api", "API"), ("zip", "Zip")])
    address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["export", "-id"], name="download_of_export")]

    def __str__(self) -> str:
        return f"{self.actor} took the file of export {self.export_id}"
