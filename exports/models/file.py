"""Files that were downloaded, verified and kept."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Coalesce

from exports.models.team import Team, User


class File(models.Model):
    """A verified file. `path` is its name in its storage; `deleted_at` is when its bytes were deleted."""

    team = models.ForeignKey(Team, on_delete=models.PROTECT)
    name = models.CharField(max_length=200)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    content_type = models.CharField(max_length=100)
    path = models.CharField(max_length=300, unique=True)
    storage = models.CharField(
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text="Where it is: empty for the disk, else the bucket's address.",
    )
    moved_from = models.CharField(
        max_length=500,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Where it was before it was moved.",
    )
    moved_at = models.DateTimeField(
        null=True, editable=False, help_text="When it was moved, until its bytes are deleted where it was before."
    )
    verified_at = models.DateTimeField()
    unchecked = models.CharField(
        max_length=300, blank=True, default="", help_text="What of it could not be checked, as a sentence."
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_because = models.CharField(
        max_length=300, blank=True, default="", db_default="", help_text="By which rule, or by whom, as a sentence."
    )
    pinned_at = models.DateTimeField(null=True, editable=False, help_text="Kept until somebody unpins it.")
    pinned_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    reverified_at = models.DateTimeField(null=True, editable=False, help_text="When its bytes were read again last.")
    damaged_at = models.DateTimeField(
        null=True, editable=False, help_text="When it was found to be gone, or other than what was verified."
    )
    expiry_notified_at = models.DateTimeField(null=True, editable=False)
    row_count = models.BigIntegerField(null=True, editable=False, help_text="Rows of a table, without the header.")
    examined_at = models.DateTimeField(
        null=True, editable=False, help_text="When it was compared with the files before it."
    )

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["team"], include=["size"], condition=models.Q(deleted_at=None), name="file_kept"),
            models.Index(fields=["id"], name="file_to_examine", condition=models.Q(deleted_at=None, examined_at=None)),
            models.Index(fields=["storage", "id"], condition=models.Q(deleted_at=None), name="file_by_storage"),
            models.Index(fields=["moved_at"], condition=models.Q(moved_at__isnull=False), name="file_moved"),
            models.Index(
                Coalesce("reverified_at", "verified_at"),
                "id",
                name="file_to_reverify",
                condition=models.Q(deleted_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name
