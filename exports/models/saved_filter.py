"""Filters of the list of exports that a person saved under a name."""

from typing import ClassVar

from django.db import models

from exports.models.team import Member


class SavedFilter(models.Model):
    """A query of the list of exports, as it stands in the address, under a name of its member's choice."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="saved_filters")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, help_text="The address's query, without page.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["member", "name"], name="saved_filter_name_once")]

    def __str__(self) -> str:
        return self.name
