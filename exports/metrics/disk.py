"""How much room the disk of the data directory has."""

import shutil
from dataclasses import dataclass
from typing import Final

from django.conf import settings

# Bytes of free disk below which exports are in danger.
MIN_FREE_BYTES: Final = 500_000_000


@dataclass(frozen=True)
class DiskRoom:
    """Bytes of the disk in all, and those that are free."""

    total: int
    free: int

    @property
    def is_low(self) -> bool:
        """Whether there is too little room for exports to go on safely."""
        return self.free < MIN_FREE_BYTES

    @property
    def percent_used(self) -> int:
        """Of the disk, by whatever."""
        return 100 - 100 * self.free // self.total if self.total else 100


def disk_room() -> DiskRoom:
    """Asks the file system. Raises OSError where DATA_DIR cannot be read."""
    usage = shutil.disk_usage(settings.DATA_DIR)
    return DiskRoom(usage.total, usage.free)
