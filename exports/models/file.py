"""Files that were downloaded, verified and kept."""

from typing import ClassVar

from django.db import models

from exports.models.team import Team


class File(models.Model):
    """A verified file. `path` is relative to the storage root; `deleted_at` is when its bytes were deleted."""

    team = models.ForeignKey(Team, on_delete=models.PROTECT)
    name = models.CharField(max_length=200)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    content_type = models.CharField(max_length=100)
    path = models.CharField(max_length=300, unique=True)
    verified_at = models.DateTimeField()
    unchecked = models.CharField(
        max_length=300, blank=True, default="", help_text="What of it could not be checked, as a sentence."
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["team"], include=["size"], condition=models.Q(deleted_at=None), name="file_kept")
        ]

    def __str__(self) -> str:
        return self.name
