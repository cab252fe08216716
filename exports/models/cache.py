"""The table of Django's database cache, as a model, so that migrations create it on every database and in tests."""

from typing import ClassVar

from django.db import models


class Cached(models.Model):
    """One entry. Only Django's DatabaseCache reads and writes it; the columns are those that it expects."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "cache"
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return self.cache_key
